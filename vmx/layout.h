/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the island's address space
 *
 * Root has page tables of its own, and in them one top-level slot: PML4 entry
 * 256, from 0xffff800000000000 on.  Linux keeps that slot free for hypervisors
 * (Documentation/arch/x86/x86_64/mm.rst: "guard hole, also reserved for
 * hypervisor"); with 5-level paging the same addresses lie in KASAN's range, and
 * a kernel that uses them is refused.  For entering and leaving, when both must be
 * mapped at once, there is a copy of Linux's top-level table with that slot
 * (module/bridge.h); only a CPU that leaves for a failure plants it in Linux's own.
 *
 * Read by C, by assembly and by the linker script.
 */
#ifndef CARAPACE_VMX_LAYOUT_H
#define CARAPACE_VMX_LAYOUT_H

#if defined(__ASSEMBLER__)
#define LAYOUT_UL(x)		x
#else
#define LAYOUT_UL(x)		x##UL
#endif

#define ISLAND_BASE		LAYOUT_UL(0xffff800000000000)
#define ISLAND_PML4_INDEX	256
#define ISLAND_PML5_INDEX	511

/* The image: text, rodata, data, bss, in 4 KiB pages */
#define ISLAND_IMAGE		ISLAND_BASE
/* The pool, chunk after chunk; data only */
#define ISLAND_POOL		(ISLAND_BASE + LAYOUT_UL(0x40000000))
/* The vCPUs, one stride each */
#define ISLAND_VCPUS		(ISLAND_BASE + LAYOUT_UL(0x80000000))
/* The local APIC's registers, while it is in xAPIC mode */
#define ISLAND_APIC		(ISLAND_BASE + LAYOUT_UL(0xc0000000))

/*
 * A vCPU's stride: aligned to its size, so that any stack pointer into it
 * leads to the vCPU.  Every stack ends at a page that is not mapped.
 */
#define VCPU_STRIDE		LAYOUT_UL(0x10000)
#define VCPU_TABLES		0x1000		/* GDT, TSS, IDT */
#define VCPU_STACK		0x3000
#define VCPU_STACK_TOP		0x7000
#define VCPU_NMI_STACK		0x8000
#define VCPU_MC_STACK		0xa000
#define VCPU_FAULT_STACK	0xc000
#define VCPU_DF_STACK		0xe000
#define VCPU_WINDOW		0xf000

/* Parts of it that have memory: X(offset, pages); the first is struct vcpu */
#define VCPU_PARTS(X)							\
	X(0, 1)								\
	X(VCPU_TABLES, 1)						\
	X(VCPU_STACK, (VCPU_STACK_TOP - VCPU_STACK) / PAGE_SIZE)	\
	X(VCPU_NMI_STACK, 1)						\
	X(VCPU_MC_STACK, 1)						\
	X(VCPU_FAULT_STACK, 1)						\
	X(VCPU_DF_STACK, 1)

/*
 * Selectors: Linux's own numbers, for on the way out root's IDT is used with
 * Linux's GDT for a moment, and an NMI must find its code segment there.
 */
#define HOST_CS			0x10
#define HOST_DS			0x18
#define HOST_TR			0x40

/*
 * The views' numbers in the EPTP list, for VMFUNC. What is not in the list is
 * undefined, as it is on a CPU without VMX. The one has to be 1: LEAVE_IF_32_BITS in
 * module/returns_stub.S.
 */
#define VIEW_GUARD		510
#define VIEW_SHADOW		1

/* Words in the stubs' page, offsets from the first one: stub_words.c */
#define STUB_STACKS		0
#define STUB_WINDOW		8
#define STUB_REACH		16
#define STUB_FREEZING		24
#define STUB_CALLERS		32
#define STUB_NR_CALLERS		256		/* a power of two */
#define STUB_WORDS_SIZE		(STUB_CALLERS + 8 * STUB_NR_CALLERS)

/*
 * Where functions jump to that end by a jump: a call of the check, and that jump
 * (return_jumps.c). The room of one, and how many.
 */
#define RETURN_JUMP_ROOM	16
#define RETURN_JUMPS		4096
#define RETURN_JUMPS_SIZE	(RETURN_JUMPS * RETURN_JUMP_ROOM)

/* The image's first word: "ISLAND" */
#define ISLAND_MAGIC		LAYOUT_UL(0x444e414c5349)

/* Offsets that assembly needs; vcpu.h checks them. */
#define VCPU_REGS_SIZE		120
#define VCPU_WORK		120
#define VCPU_LEAVE_FRAME	128

#endif /* CARAPACE_VMX_LAYOUT_H */
