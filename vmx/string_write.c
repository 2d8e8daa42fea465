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
#include "region.h"
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

/* Half of the address space is user mode's: not looked into, for SMAP's sake */
static bool is_kernel_address(u64 va)
{
	return va >> 63;
}

/**
 * struct destination - where a piece is written
 * @pa: the first byte
 * @next: the page that the rest goes to
 * @split: how many bytes come before that
 */
struct destination {
	u64 pa;
	u64 next;
	u32 split;
};

/*
 * The guest's tables are walked once: what is judged is what is written to. A
 * piece goes on in the next page only where both pages are one piece of code;
 * else it ends where the page does. Linux writes to its code at an address of
 * the lower half, in an mm of its own.
 */
static u64 find_destination(struct vcpu *vcpu, u64 va, u64 gpa, u64 size,
			    struct destination *d)
{
	u64 first = PAGE_SIZE - va % PAGE_SIZE;
	const struct region *region;
	struct guest_mapping m;
	u64 here, there;

	if (!guest_walk(vcpu, va, &m) || m.user || !guest_owns(m.pa) ||
	    (m.pa ^ gpa) >> PAGE_SHIFT)
		return 0;
	*d = (struct destination){ .pa = m.pa, .split = size };
	if (first >= size)
		return size;

	region = region_of(m.pa, &here);
	d->split = first;
	if (!region || !guest_walk(vcpu, va + first, &m) || m.user ||
	    !m.writable || region_of(m.pa, &there) != region ||
	    there != here + first)
		return first;
	d->next = m.pa;
	return size;
}

static void access(struct vcpu *vcpu, const struct destination *d, u8 *bytes,
		   u64 size, bool write)
{
	u8 *page = (u8 *)window_map(vcpu, d->pa) + d->pa % PAGE_SIZE;
	u64 i;

	for (i = 0; i < size; i++, page++) {
		if (i == d->split)
			page = window_map(vcpu, d->next);
		if (write)
			*(volatile u8 *)page = bytes[i];
		else
			bytes[i] = *(volatile u8 *)page;
	}
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
static bool write_piece(struct vcpu *vcpu, u8 opcode, u64 gpa, u64 size)
{
	u8 before[PIECE], after[PIECE];
	struct destination d;
	struct sealed_write w = {
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.va = vcpu->regs.rdi,
		.before = before,
		.after = after,
	};

	size = find_destination(vcpu, w.va, gpa, size, &d);
	if (!size || source(vcpu, opcode, after, size))
		return false;
	access(vcpu, &d, before, size, false);
	w.pa = d.pa;
	w.size = size;
	if (differs(before, after, size) && write_judge(vcpu, &w))
		access(vcpu, &d, after, size, true);

	vcpu->regs.rdi += size;
	vcpu->regs.rcx -= size;
	if (opcode == MOVSB)
		vcpu->regs.rsi += size;
	return true;
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
	u64 size, end;
	u8 insn[2];
	bool any = false;

	if (guest_cpl() || !(vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L) ||
	    (vmread(GUEST_RFLAGS) & (RFLAGS_DF | RFLAGS_TF)) ||
	    vmread(GUEST_LINEAR_ADDRESS) != vcpu->regs.rdi ||
	    guest_read(vcpu, vmread(GUEST_RIP), insn, sizeof(insn)) ||
	    insn[0] != REP || (insn[1] != MOVSB && insn[1] != STOSB) ||
	    (insn[1] == MOVSB && !is_kernel_address(vcpu->regs.rsi)))
		return false;

	end = (vcpu->regs.rdi & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
	while (vcpu->regs.rcx && vcpu->regs.rdi < end) {
		size = vcpu->regs.rcx < PIECE ? vcpu->regs.rcx : PIECE;
		if (!write_piece(vcpu, insn[1], gpa, size))
			break;
		any = true;
	}
	*result = vcpu->regs.rcx ? RESULT_RESUME : RESULT_SKIP;
	return any;
}
