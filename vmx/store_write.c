// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: MOVs to sealed pages
 *
 * By these Linux writes to its code, on CPUs without FSRM: memcpy() and memset()
 * have four of them in a row, for eight bytes each. A decoy takes two exits and
 * two copies of a page for each; root performs all that stand in a row in one.
 */
#include "cpu_ops.h"
#include "direct_write.h"
#include "guest_walk.h"
#include "memory.h"
#include "store.h"
#include "store_write.h"
#include "vcpu.h"
#include "x86.h"

/* As many in a row */
#define ROW	4
#define CODE	(ROW * 8)

#define DR7_ENABLED	0xff

static void get_registers(const struct vcpu *vcpu, u64 reg[STORE_REGISTERS])
{
	const struct guest_regs *r = &vcpu->regs;
	const u64 all[STORE_REGISTERS] = {
		r->rax, r->rcx, r->rdx, r->rbx, vmread(GUEST_RSP), r->rbp,
		r->rsi, r->rdi, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13,
		r->r14, r->r15,
	};

	memcpy(reg, all, sizeof(all));
}

/* What there is of it in the page that the first instruction begins in */
static u32 read_code(struct vcpu *vcpu, u64 rip, u8 code[CODE])
{
	u32 size = PAGE_SIZE - rip % PAGE_SIZE;

	if (size > CODE)
		size = CODE;
	return guest_read(vcpu, rip, code, size) ? 0 : size;
}

static bool perform(struct vcpu *vcpu, u64 rip, u64 gpa, const struct store *s)
{
	u8 bytes[sizeof(s->value)];

	memcpy(bytes, &s->value, sizeof(bytes));
	return direct_write(vcpu, rip, s->address, gpa, bytes, s->size);
}

static bool in_page(const struct store *s, u64 va)
{
	return !((s->address ^ va) >> PAGE_SHIFT) &&
	       s->address % PAGE_SIZE + s->size <= PAGE_SIZE;
}

/**
 * store_write() - perform the instruction, and those like it that follow
 * @vcpu: the CPU
 * @gpa: the address that it may not write to
 * @result: set to what the exit's handler returns
 *
 * None of them changes a register, so what the following ones write is known.
 * They do follow only where they write to the same page. Where there is a
 * breakpoint, somebody counts instructions.
 *
 * Context: root, with the lock, at an EPT violation of a write that the guest's
 *	own tables allow.
 *
 * Return: false where it is something else, and nothing has happened.
 */
bool store_write(struct vcpu *vcpu, u64 gpa, struct exit_result *result)
{
	u64 va = vmread(GUEST_LINEAR_ADDRESS);
	u64 rip = vmread(GUEST_RIP);
	u32 size, at = 0, i;
	u64 reg[STORE_REGISTERS];
	struct store s;
	u8 code[CODE];

	if (!direct_write_possible(vcpu) || vmread(GUEST_DR7) & DR7_ENABLED)
		return false;
	size = read_code(vcpu, rip, code);
	get_registers(vcpu, reg);
	for (i = 0; i < ROW; i++) {
		if (!store_decode(code + at, size - at, rip + at, reg, &s) ||
		    (!i && s.address != va) || !in_page(&s, va) ||
		    !perform(vcpu, rip + at, gpa, &s))
			break;
		at += s.length;
	}
	/* The exit does not tell (SDM 3C, 28.2.5). */
	vcpu->event.instruction_len = at;
	*result = RESULT_SKIP;
	return i;
}
