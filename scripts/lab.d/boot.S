/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's boot loader: an option ROM that the BIOS calls where it expects
 * the VGA BIOS, once the ACPI tables are written and the other CPUs parked.
 * The emulator has put the kernel, the initramfs and a page of parameters into
 * memory (see machine.py). What is left is the memory map from the BIOS and
 * the way into long mode, as Documentation/arch/x86/boot.rst wants it.
 */
#define PARAMS		0x200000	/* struct boot_params */
#define CONTROL		0x202000	/* what image.py tells us, below */
#define PML5		0x203000
#define PML4		0x204000

#define C_ENTRY		0		/* physical address of startup_64 */
#define C_CHECK		8		/* where to look for the magic word */
#define C_MAGIC		16
#define C_LA57		24		/* 5-level paging is wanted */
#define C_TOUCH		32		/* addresses to touch, in order; 0 ends */

#define CMOS_BOOTED	0x7f		/* a byte of CMOS that survives a reset */
#define BOOTED		0x5a

#define E820		0x8004		/* the map while in real mode */
#define E820_COUNT	0x8000
#define E820_MAX	128

	.code16
	.text
	.globl _start
_start:
	.byte	0x55, 0xaa
	.byte	2			/* of 512 bytes */
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp

	movl	$0, E820_COUNT
	movw	$E820, %di
	xorl	%ebx, %ebx
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx
	movl	$20, %ecx
	int	$0x15
	jc	2f
	addw	$20, %di
	incl	E820_COUNT
	cmpl	$E820_MAX, E820_COUNT
	jae	2f
	testl	%ebx, %ebx
	jnz	1b
2:	cli
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92

	lgdtl	%cs:gdt_desc
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$0x10, $(0xc0000 + protected)

	.code32
protected:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$0x7c00, %esp

	/* The image in memory serves for one boot. */
	movb	$CMOS_BOOTED, %al
	outb	%al, $0x70
	inb	$0x71, %al
	cmpb	$BOOTED, %al
	movl	$(0xc0000 + was_reset), %esi
	je	fail
	movb	$CMOS_BOOTED, %al
	outb	%al, $0x70
	movb	$BOOTED, %al
	outb	%al, $0x71

	/* The order of first accesses decides what the emulator maps where. */
	movl	$(CONTROL + C_TOUCH), %esi
1:	lodsl
	testl	%eax, %eax
	jz	2f
	movl	(%eax), %ecx
	jmp	1b
2:	movl	CONTROL + C_CHECK, %eax
	movl	(%eax), %eax
	cmpl	CONTROL + C_MAGIC, %eax
	movl	$(0xc0000 + misplaced), %esi
	jne	fail

	movl	E820_COUNT, %ecx
	movb	%cl, PARAMS + 0x1e8
	imull	$20, %ecx, %ecx
	movl	$E820, %esi
	movl	$(PARAMS + 0x2d0), %edi
	rep movsb

	movl	%cr4, %eax
	orl	$(1 << 5), %eax		/* PAE */
	movl	$PML4, %edx
	cmpl	$0, CONTROL + C_LA57
	je	1f
	pushl	%eax
	xorl	%eax, %eax
	cpuid
	cmpl	$7, %eax
	movl	$0, %ecx
	jb	3f
	movl	$7, %eax
	cpuid
3:	popl	%eax
	movl	$PML4, %edx
	btl	$16, %ecx
	jnc	1f
	orl	$(1 << 12), %eax	/* LA57 */
	movl	$PML5, %edx
1:	movl	%eax, %cr4
	movl	%edx, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$(1 << 8), %eax		/* EFER.LME */
	wrmsr
	movl	%cr0, %eax
	orl	$(1 << 31), %eax
	movl	%eax, %cr0
	ljmpl	$0x20, $(0xc0000 + long_mode)

fail:	movw	$0x3f8, %dx
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b

	.code64
long_mode:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$PARAMS, %esi
	xorl	%ebp, %ebp
	xorl	%ebx, %ebx
	xorl	%edi, %edi
	movq	CONTROL + C_ENTRY, %rax
	jmpq	*%rax

	.balign	8
gdt:	.quad	0
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x10: 32-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
	.quad	0x00af9b000000ffff	/* 0x20: 64-bit code */
gdt_desc:
	.word	. - gdt - 1
	.long	0xc0000 + gdt

was_reset:
	.asciz	"lab: the machine was reset\r\n"
misplaced:
	.asciz	"lab: the kernel is not where it should be in memory\r\n"
	.org	1023
	.byte	0			/* checksum, filled in by image.py */
