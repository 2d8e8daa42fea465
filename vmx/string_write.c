// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: REP MOVSB and REP STOSB to sealed pages
 *
 * By these Linux writes to its code, on CPUs with FSRM. As decoys they would trap
 * after each byte, and half an instruction has no meaning that could be judged;
 * root performs them itself, and they are simple enough for that: both are
 * defined byte by byte, and may stop after any of them (SDM 2B, REP).
 */
#include "cpu_ops.h"
#include "direct_write.h"
#include "guest_walk.h"
#include "string_write.h"
#include "vcpu.h"
#include "x86.h"

#define REP		0xf3
#define MOVSB		0xa4
#define STOSB		0xaa

/* Half of the address space is user mode's: not looked into, for SMAP's sake */
static bool is_kernel_address(u64 va)
{
	return va >> 63;
}

static int source(struct vcpu *vcpu, u8 opcode, u8 *bytes, u64 size)
{
	u64 i;

	if (opcode == MOVSB)
		return guest_read(vcpu, vcpu->regs.rsi, bytes, size);
	for (i = 0; i < size; i++)
		bytes[i] = vcpu->regs.rax;
	return 0;
}

static void advance(struct vcpu *vcpu, u8 opcode, u64 size)
{
	vcpu->regs.rdi += size;
	vcpu->regs.rcx -= size;
	if (opcode == MOVSB)
		vcpu->regs.rsi += size;
}

/* Most of what is new code has been written by root already. */
static void skip_unchanged(struct vcpu *vcpu, u8 opcode, u64 gpa, u64 end)
{
	u8 bytes[DIRECT_WRITE_COMPARED];
	u64 size;

	while (vcpu->regs.rcx && vcpu->regs.rdi < end) {
		size = end - vcpu->regs.rdi;
		if (size > vcpu->regs.rcx)
			size = vcpu->regs.rcx;
		if (size > sizeof(bytes))
			size = sizeof(bytes);
		if (source(vcpu, opcode, bytes, size) ||
		    !direct_write_unchanged(vcpu, vcpu->regs.rdi, gpa, bytes,
					    size))
			return;
		advance(vcpu, opcode, size);
	}
}

/* One piece; false where the CPU had better do it */
static bool write_piece(struct vcpu *vcpu, u8 opcode, u64 gpa)
{
	u8 bytes[DIRECT_WRITE_LONGEST];
	u64 size = sizeof(bytes);

	if (size > vcpu->regs.rcx)
		size = vcpu->regs.rcx;
	if (source(vcpu, opcode, bytes, size))
		return false;
	size = direct_write(vcpu, vmread(GUEST_RIP), vcpu->regs.rdi, gpa, bytes,
			    size);
	advance(vcpu, opcode, size);
	return size;
}

/**
 * string_write() - perform the instruction, if it is one of these
 * @vcpu: the CPU
 * @gpa: the address that it may not write to
 * @result: set to what the exit's handler returns
 *
 * Up to the end of the page at most: what comes then may be another kind of page.
 *
 * Context: root, with the lock, at an EPT violation of a write that the guest's
 *	own tables allow.
 *
 * Return: false where it is something else, and nothing has happened.
 */
bool string_write(struct vcpu *vcpu, u64 gpa, struct exit_result *result)
{
	u64 start = vcpu->regs.rdi, end;
	u8 insn[2];

	if (!direct_write_possible(vcpu) ||
	    vmread(GUEST_LINEAR_ADDRESS) != vcpu->regs.rdi ||
	    guest_read(vcpu, vmread(GUEST_RIP), insn, sizeof(insn)) ||
	    insn[0] != REP || (insn[1] != MOVSB && insn[1] != STOSB) ||
	    (insn[1] == MOVSB && !is_kernel_address(vcpu->regs.rsi)))
		return false;

	end = (vcpu->regs.rdi & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
	if (vcpu->regs.rcx > DIRECT_WRITE_LONGEST)
		skip_unchanged(vcpu, insn[1], gpa, end);
	while (vcpu->regs.rcx && vcpu->regs.rdi < end) {
		if (!write_piece(vcpu, insn[1], gpa))
			break;
	}
	/* The exit does not tell (SDM 3C, 28.2.5). */
	vcpu->event.instruction_len = sizeof(insn);
	*result = vcpu->regs.rcx ? RESULT_RESUME : RESULT_SKIP;
	return vcpu->regs.rdi != start;
}
