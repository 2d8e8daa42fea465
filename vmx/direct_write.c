// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: writes to sealed pages that root performs itself
 *
 * What an instruction writes, and where, is known to who has read it
 * (string_write.c, store_write.c). It is judged before anything is written.
 */
#include "cpu_ops.h"
#include "direct_write.h"
#include "exit.h"
#include "guest_walk.h"
#include "memory.h"
#include "pieces.h"
#include "region.h"
#include "vcpu.h"
#include "window.h"
#include "write_judge.h"
#include "x86.h"

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

static void access_page(u8 *page, u8 *before, const u8 *after, u64 size)
{
	if (after)
		store_pieces(page, after, size);
	else
		memcpy(before, page, size);
}

/* What the instruction would have stored at once is, but across pages. */
static void access(struct vcpu *vcpu, const struct destination *d, u8 *before,
		   const u8 *after, u64 size)
{
	u64 first = size < d->split ? size : d->split;

	access_page(window_at(vcpu, d->pa), before, after, first);
	if (first < size)
		access_page(window_map(vcpu, d->next), before + first,
			    after ? after + first : NULL, size - first);
}

static bool differs(const u8 *a, const u8 *b, u64 size)
{
	u64 x, y, i = 0;

	for (; i + sizeof(x) <= size; i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return true;
	}
	for (; i < size; i++) {
		if (a[i] != b[i])
			return true;
	}
	return false;
}

/**
 * direct_write_possible() - whether the instruction may be one to perform
 * @vcpu: the CPU
 *
 * Kernel mode's own, and nobody steps through it.
 *
 * Context: root, at an EPT violation of a write.
 */
bool direct_write_possible(struct vcpu *vcpu)
{
	return !guest_cpl() && (vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L) &&
	       !(vmread(GUEST_RFLAGS) & (RFLAGS_DF | RFLAGS_TF)) &&
	       !vcpu->event.vectoring_info;
}

/**
 * direct_write_unchanged() - whether a piece is there already
 * @vcpu: the CPU
 * @va: where it would be written to
 * @gpa: any address of the frame that this led to when the CPU exited
 * @bytes: what
 * @size: how many, up to DIRECT_WRITE_COMPARED, within a page
 *
 * What Linux announced (code_write.c), root has written; then Linux does.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool direct_write_unchanged(struct vcpu *vcpu, u64 va, u64 gpa, const u8 *bytes,
			    u64 size)
{
	struct guest_mapping m;

	return guest_walk(vcpu, va, &m) && !m.user && guest_owns(m.pa) &&
	       !((m.pa ^ gpa) >> PAGE_SHIFT) &&
	       !differs(window_at(vcpu, m.pa), bytes, size);
}

/**
 * direct_write() - judge a piece, and write it if it is legal
 * @vcpu: the CPU
 * @rip: the instruction
 * @va: where to
 * @gpa: any address of the frame that this led to when it exited
 * @bytes: what
 * @size: how many, up to DIRECT_WRITE_LONGEST
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: how many bytes are dealt with, which may be fewer at the page's end; 0
 * where the CPU had better do it.
 */
u64 direct_write(struct vcpu *vcpu, u64 rip, u64 va, u64 gpa, const u8 *bytes,
		 u64 size)
{
	u8 before[DIRECT_WRITE_LONGEST];
	struct destination d;
	struct sealed_write w = {
		.rip = rip,
		.rsp = vmread(GUEST_RSP),
		.va = va,
		.before = before,
		.after = bytes,
	};

	size = find_destination(vcpu, va, gpa, size, &d);
	if (!size)
		return 0;
	access(vcpu, &d, before, NULL, size);
	w.pa = d.pa;
	w.size = size;
	if (differs(before, bytes, size) && write_judge(vcpu, &w))
		access(vcpu, &d, NULL, bytes, size);
	return size;
}
