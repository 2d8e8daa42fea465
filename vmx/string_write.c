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
#include "guest_walk.h"
#include "seal.h"
#include "string_write.h"
#include "vcpu.h"
#include "window.h"
#include "write_judge.h"
#include "x86.h"

#define REP		0xf3
#define MOVSB		0xa4
#define STOSB		0xaa
#define RFLAGS_DF	(1ULL << 10)

/* As many bytes are judged as one; a patch is six at most */
#define PIECE		64

/* Linux writes to its code at an address of the lower half, in an mm of its own */
static bool is_supervisor_page(struct vcpu *vcpu, u64 va)
{
	struct guest_mapping m;

	return guest_walk(vcpu, va, &m) && !m.user;
}

/* Half of the address space is user mode's: not looked into, for SMAP's sake */
static bool is_kernel_address(u64 va)
{
	return va >> 63;
}

/* How much of [va, va + size) may be written, by the guest's own tables */
static u64 writable(struct vcpu *vcpu, u64 va, u64 size)
{
	u64 first = PAGE_SIZE - va % PAGE_SIZE;
	struct guest_mapping m;

	if (first >= size)
		return size;
	if (guest_walk(vcpu, va + first, &m) && m.writable && !m.user)
		return size;
	return first;
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

static int store(struct vcpu *vcpu, u64 va, const u8 *bytes, u64 size)
{
	struct guest_mapping m;
	volatile u8 *page;
	u64 i;

	for (i = 0; i < size; i++) {
		if (!i || !((va + i) % PAGE_SIZE)) {
			if (!guest_walk(vcpu, va + i, &m))
				return -EFAULT;
			page = window_map(vcpu, m.pa);
		}
		page[(va + i) % PAGE_SIZE] = bytes[i];
	}
	return 0;
}

static bool differs(const u8 *a, const u8 *b, u64 size)
{
	u64 i;

	for (i = 0; i < size; i++) {
		if (a[i] != b[i])
			return true;
	}
	return false;
}

/* One piece; false where the CPU had better do it */
static bool write_piece(struct vcpu *vcpu, u8 opcode, u64 size)
{
	u8 before[PIECE], after[PIECE];
	struct guest_mapping m;
	struct sealed_write w = {
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.va = vcpu->regs.rdi,
		.before = before,
		.after = after,
		.size = size,
	};

	if (guest_read(vcpu, w.va, before, size) ||
	    source(vcpu, opcode, after, size) ||
	    !guest_walk(vcpu, w.va, &m))
		return false;
	w.pa = m.pa;
	if (differs(before, after, size) && write_judge(vcpu, &w) &&
	    store(vcpu, w.va, after, size))
		return false;

	vcpu->regs.rdi += size;
	vcpu->regs.rcx -= size;
	if (opcode == MOVSB)
		vcpu->regs.rsi += size;
	return true;
}

/**
 * string_write() - perform the instruction, if it is one of these
 * @vcpu: the CPU
 * @result: set to what the exit's handler returns
 *
 * Up to the end of the page at most: what comes then may be another kind of page.
 *
 * Context: root, with the lock, at an EPT violation of a write that the guest's
 *	own tables allow.
 *
 * Return: false where it is something else, and nothing has happened.
 */
bool string_write(struct vcpu *vcpu, struct exit_result *result)
{
	u64 size, end;
	u8 insn[2];
	bool any = false;

	if (guest_cpl() || !(vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L) ||
	    (vmread(GUEST_RFLAGS) & (RFLAGS_DF | RFLAGS_TF)) ||
	    vmread(GUEST_LINEAR_ADDRESS) != vcpu->regs.rdi ||
	    !is_supervisor_page(vcpu, vcpu->regs.rdi) ||
	    guest_read(vcpu, vmread(GUEST_RIP), insn, sizeof(insn)) ||
	    insn[0] != REP || (insn[1] != MOVSB && insn[1] != STOSB) ||
	    (insn[1] == MOVSB && !is_kernel_address(vcpu->regs.rsi)))
		return false;

	end = (vcpu->regs.rdi & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
	while (vcpu->regs.rcx && vcpu->regs.rdi < end) {
		size = vcpu->regs.rcx < PIECE ? vcpu->regs.rcx : PIECE;
		size = writable(vcpu, vcpu->regs.rdi, size);
		if (!write_piece(vcpu, insn[1], size))
			break;
		any = true;
	}
	*result = vcpu->regs.rcx ? RESULT_RESUME : RESULT_SKIP;
	return any;
}
