// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the verdict on a write to a page that must not be written
 */
#include "code.h"
#include "cpu_ops.h"
#include "exit.h"
#include "guard.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "seal.h"
#include "sealed_code.h"
#include "shadow_pages.h"
#include "shadow_window.h"
#include "stub_words.h"
#include "vcpu.h"
#include "window.h"
#include "write_judge.h"

/* Tracers' have pages of their own, BPF's are apart by this (BPF_PROG_CHUNK_SIZE). */
#define TRAMPOLINE_ALIGNMENT	64

static bool is_listed(u64 va)
{
	u32 i;

	for (i = 0; i < ISLAND_FUNCTIONS; i++) {
		if (va && island.config.functions[i] == va)
			return true;
	}
	return false;
}

/* Where calls are counted they lead to right before it: to that, or to NOPs. */
static bool begins_function(struct vcpu *vcpu, u64 va)
{
	u32 counting = island.config.counting.length;

	return is_listed(va) || is_return_thunk(va) ||
	       sealed_code_begins_function(vcpu, va) ||
	       (counting && sealed_code_begins_function(vcpu, va + counting));
}

/* A place where a jump may lead to: what patch_judge() asks */
static enum patch_target target_at(void *context, u64 va)
{
	struct vcpu *vcpu = context;
	u64 pa;

	if (region_code_at(va, 1))
		return begins_function(vcpu, va) ? PATCH_TARGET_FUNCTION :
						   PATCH_TARGET_CODE;
	return va % TRAMPOLINE_ALIGNMENT == 0 && seal_dynamic_code(vcpu, va, &pa) ?
	       PATCH_TARGET_DYNAMIC : PATCH_TARGET_NONE;
}

/* Such code is in one page: Linux has slots for it. */
static bool detour_at(void *context, u64 va, u64 probe)
{
	u64 offset = island.config.detour;
	struct vcpu *vcpu = context;
	u8 bytes[PATCH_DETOUR];
	u64 pa;

	if (!offset || va % PAGE_SIZE + offset + sizeof(bytes) > PAGE_SIZE ||
	    !seal_dynamic_code(vcpu, va, &pa))
		return false;
	memcpy(bytes, (u8 *)window_map(vcpu, pa) + pa % PAGE_SIZE + offset,
	       sizeof(bytes));
	return patch_detour_returns(va + offset, bytes, probe);
}

static bool read_at(void *context, u64 va, u8 *bytes, u32 size)
{
	return region_read(context, va, bytes, size);
}

/* The offset of the first byte that Linux would not have written, or the size */
static u32 first_illegal(struct vcpu *vcpu, const struct sealed_write *w)
{
	const struct patch_world world = {
		.counting = &island.config.counting,
		.target = target_at,
		.detour = detour_at,
		.read = read_at,
		.context = vcpu,
	};
	const struct region *region;
	u64 va;

	if (w->cpl)
		return 0;
	switch (ept_class(&island.ept, w->pa)) {
	case CLASS_CODE:
		break;
	case CLASS_TABLE:
		return shadow_table_write_legal(w->pa, w->size) ? w->size : 0;
	case CLASS_DYNAMIC:
		return code_patch_illegal(w->pa, w->before, w->after, w->size);
	default:
		return 0;
	}
	region = region_of(w->pa, &va);
	if (!region)
		return 0;
	return patch_judge(&region->patch, &island.regions.notes, va, w->before,
			   w->after, w->size, &world);
}

/* Eight bytes, or what is left */
static u64 bytes_at(const u8 *bytes, u32 offset, u32 size)
{
	u64 value = 0;

	memcpy(&value, bytes + offset,
	       size - offset < sizeof(value) ? size - offset : sizeof(value));
	return value;
}

/*
 * Linux compares what it has written to code with what it meant to write, and
 * gives up with text_mutex held where they differ (__text_poke()). Then nothing
 * would be patched any more, and a refused attack had stopped the machine. So
 * what was to be copied becomes what is there: in the buffer from which memcpy()
 * took it, if that is what it looks like.
 */
static void mend_source(struct vcpu *vcpu, const struct sealed_write *w)
{
	u64 from = vcpu->regs.rsi + (w->va - vcpu->regs.rdi);
	struct guest_mapping m;
	u8 byte;
	u32 i;

	if (w->va - vcpu->regs.rdi >= PAGE_SIZE || !(from >> 63))
		return;
	for (i = 0; i < w->size; i++) {
		if (guest_read(vcpu, from + i, &byte, sizeof(byte)) ||
		    byte != w->after[i])
			return;
	}
	for (i = 0; i < w->size; i++) {
		if (guest_walk(vcpu, from + i, &m) && m.writable && !m.user &&
		    guest_owns(m.pa) && ept_class(&island.ept, m.pa) == CLASS_DATA)
			*(volatile u8 *)window_at(vcpu, m.pa) = w->before[i];
	}
}

/* What looked at the code as it was has to look again. */
static bool let_pass(struct vcpu *vcpu)
{
	stub_callers_forget(vcpu);
	return true;
}

/**
 * write_judge() - whether a write shall have its effect
 * @vcpu: the CPU
 * @write: what changed; @write->before and @write->after differ
 *
 * A violation is reported. Root's own memory is out of reach whatever the policy
 * says.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool write_judge(struct vcpu *vcpu, const struct sealed_write *write)
{
	bool self = root_owns(write->pa) || shadow_owns(write->pa);
	u32 offset = self ? 0 : first_illegal(vcpu, write);
	struct report report = {
		.kind = self ? REPORT_SELF : REPORT_CODE,
		.rip = write->rip,
		.rsp = write->rsp,
		.cpl = write->cpl,
	};
	enum verdict verdict;

	if (offset == write->size)
		return let_pass(vcpu);
	while (offset < write->size - 1 &&
	       write->before[offset] == write->after[offset])
		offset++;
	report.object = write->va + offset;
	report.expected = bytes_at(write->before, offset, write->size);
	report.found = bytes_at(write->after, offset, write->size);
	verdict = guard_violation(vcpu, self ? POLICY_ENFORCE : POLICY_CODE,
				  &report);
	if (!self && !verdict_undoes(verdict))
		return let_pass(vcpu);
	if (!self && !write->cpl)
		mend_source(vcpu, write);
	return false;
}

/**
 * write_refused() - report a write that cannot so much as be tried
 * @vcpu: the CPU, at the exit of the instruction
 * @va: linear address
 * @pa: its physical address
 *
 * What it would have written is not known: the report says what is there, twice.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void write_refused(struct vcpu *vcpu, u64 va, u64 pa)
{
	bool self = root_owns(pa) || shadow_owns(pa);
	struct report report = {
		.kind = self ? REPORT_SELF : REPORT_CODE,
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.cpl = guest_cpl(),
		.object = va,
	};

	if (!self && pa % PAGE_SIZE <= PAGE_SIZE - sizeof(u64))
		memcpy(&report.found, window_at(vcpu, pa),
		       sizeof(report.found));
	report.expected = report.found;
	guard_violation(vcpu, self ? POLICY_ENFORCE : POLICY_CODE, &report);
}
