/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls, and what looks almost like one, for call_site_test.c
 *
 * Records of 16 bytes: a length, and an instruction. What it addresses does not
 * exist; nobody runs it.
 */
.macro record insn:vararg
	.balign 16, 0
	.byte 2f - 1f
1:	\insn
2:
.endm

/* All addressing forms (SDM 2A, tables 2-2 and 2-3), with and without REX */
.macro forms insn:vararg
	record \insn *0x12345678(%rip)
	record \insn *0x12345678
	.irp base, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	record \insn *(%\base)
	record \insn *0x12(%\base)
	record \insn *-128(%\base)
	record \insn *0x12345678(%\base)
	.irp index, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	.irp scale, 1, 2, 4, 8
	record \insn *(%\base,%\index,\scale)
	record \insn *0x12(%\base,%\index,\scale)
	record \insn *0x12345678(%\base,%\index,\scale)
	.endr
	.endr
	.endr
	.irp index, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	.irp scale, 1, 2, 4, 8
	record \insn *0x12345678(,%\index,\scale)
	.endr
	.endr
	.irp base, eax, esp, r12d, r13d
	record \insn *(%\base)
	record \insn *0x12345678(%\base)
	.endr
.endm

.macro registers insn:vararg
	.irp base, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	record \insn *%\base
	.endr
.endm

	.section .rodata
	.balign 16
	.globl calls
calls:
	record .byte 0xe8, 0, 0, 0, 0
	record .byte 0xe8, 0xfb, 0xff, 0xff, 0xff
	record .byte 0xe8, 0x78, 0x56, 0x34, 0x12
	record .byte 0x2e, 0xe8, 0x78, 0x56, 0x34, 0x12
	registers call
	registers notrack call
	registers cs call
	forms call
	forms notrack call
	forms gs call
	.globl calls_end
calls_end:
	.balign 16
	.globl others
others:
	record ret
	record nop
	record syscall
	record int3
	record .byte 0xe9, 0x78, 0x56, 0x34, 0x12
	record .byte 0x0f, 0x84, 0x78, 0x56, 0x34, 0x12
	record .byte 0xeb, 0x12
	registers jmp
	forms jmp
	record ljmp *0x12345678(%rax)
	record lcall *0x12345678(%rax)
	record pushq 0x12345678(%rax)
	record incl 0x12345678(%rax)
	record decl 0x12345678(%rax)
	record movl $0x12345678, (%rax)
	.globl others_end
others_end:

	.section .note.GNU-stack, "", @progbits
