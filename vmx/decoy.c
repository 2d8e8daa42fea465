// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: writes to pages that must not be written
 *
 * The CPU executes the instruction itself, whatever it is, but in a view in
 * which the page is another one, a copy: for this CPU only, and for this one
 * instruction (monitor trap flag). What it did to the copy is then judged, and
 * goes to the page, or nowhere. So nothing has to be decoded, and there is no
 * moment in which the page itself can be written, by anybody.
 *
 * Any exit ends it. Where an interrupt, a fault or an NMI came first, the copy
 * is as it was, and the instruction comes again.
 *
 * Other CPUs see what the instruction wrote a little later than a bare CPU would
 * show it, and a locked one is not atomic with what they do. Linux has no locked
 * access to what is sealed.
 */
#include "cpu_ops.h"
#include "decoy.h"
#include "exit.h"
#include "guest_walk.h"
#include "memory.h"
#include "pieces.h"
#include "region.h"
#include "shootdown.h"
#include "vcpu.h"
#include "window.h"
#include "write_judge.h"

/*
 * More than any instruction of Linux's needs. One that writes to three sealed pages
 * at once (XSAVE with AMX's tiles, of an attacker's) never comes to its end.
 */
#define ATTEMPTS	8

#define PAGE_WORDS	(PAGE_SIZE / sizeof(u64))

static u8 *pool_page(u64 pa)
{
	return table_pool_va(&island.config.pool, pa);
}

static void end_view(struct vcpu *vcpu)
{
	struct decoy *d = &vcpu->decoy;
	u32 i;

	vmwrite(EPT_POINTER, ept_pointer(&island.ept));
	ept_destroy(&d->view);
	for (i = 0; i < d->count; i++) {
		if (d->page[i].copy_pa)
			table_pool_free(&island.config.pool, d->page[i].copy_pa);
		if (d->page[i].before_pa)
			table_pool_free(&island.config.pool,
					d->page[i].before_pa);
	}
	d->active = false;
}

/* Root's own memory shows zeros. */
static int add_page(struct vcpu *vcpu, struct decoy_page *page)
{
	u64 rights = ept_rights(&island.ept, page->gpa);
	void *copy = NULL, *before = NULL;

	page->copy_pa = table_pool_alloc(&island.config.pool, &copy);
	page->before_pa = table_pool_alloc(&island.config.pool, &before);
	if (!page->copy_pa || !page->before_pa)
		return -ENOMEM;
	if (!root_owns(page->gpa)) {
		memcpy(before, window_map(vcpu, page->gpa), PAGE_SIZE);
		memcpy(copy, before, PAGE_SIZE);
	}
	return ept_map_frame(&vcpu->decoy.view, page->gpa, page->copy_pa,
			     rights | EPT_READ | EPT_WRITE, MEMTYPE_WB);
}

/* The view's tables may be where an earlier view's were: nothing cached stays. */
static int begin_view(struct vcpu *vcpu)
{
	struct decoy *d = &vcpu->decoy;
	u32 i;
	int err;

	for (i = 0; i < d->count; i++)
		d->page[i].copy_pa = d->page[i].before_pa = 0;
	err = ept_share(&d->view, &island.ept);
	for (i = 0; !err && i < d->count; i++)
		err = add_page(vcpu, &d->page[i]);
	if (err) {
		end_view(vcpu);
		return err;
	}
	vmwrite(EPT_POINTER, ept_pointer(&d->view));
	drop_translations(vcpu);
	d->epoch = __atomic_load_n(&island.epoch, __ATOMIC_ACQUIRE);
	return 0;
}

/**
 * decoy_begin() - let the instruction that exited write to a decoy
 * @vcpu: the CPU
 * @gpa: any address in the page that it may not write to
 *
 * Context: root, with the lock, at an EPT violation.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result decoy_begin(struct vcpu *vcpu, u64 gpa)
{
	struct decoy *d = &vcpu->decoy;
	u64 va = vmread(GUEST_LINEAR_ADDRESS);
	u64 rip = vmread(GUEST_RIP);
	u64 pa = gpa;
	bool again = d->attempts && d->rip == rip &&
		     d->count_register == vcpu->regs.rcx;

	gpa &= ~(PAGE_SIZE - 1);
	d->attempts = again ? d->attempts + 1 : 1;
	if (d->attempts > ATTEMPTS) {
		d->attempts = 0;
		write_refused(vcpu, va, pa);
		return RESULT_GP(0);
	}
	/* It came as far as to another page. */
	if (again && d->count == 1 && d->page[0].gpa != gpa)
		d->count = 2;
	else
		d->count = 1;
	d->page[d->count - 1].gpa = gpa;
	d->rip = rip;
	d->count_register = vcpu->regs.rcx;
	d->rsp = vmread(GUEST_RSP);
	d->va = va;
	d->cpl = guest_cpl();

	if (begin_view(vcpu)) {
		write_refused(vcpu, va, pa);
		return RESULT_GP(0);
	}
	d->active = true;
	return RESULT_RESUME;
}

/**
 * decoy_renew() - rights have been reduced since decoy_begin(): begin again
 * @vcpu: the CPU
 *
 * The view has entries of its own for the pages around the decoy. What another CPU
 * has taken back since, the right to run what is there, say, it still has. So it
 * goes, and the instruction meets with the violation once more; that does not count
 * as one of its attempts.
 *
 * Context: root, not holding the lock, before an entry, with the epoch served.
 */
void decoy_renew(struct vcpu *vcpu)
{
	struct decoy *d = &vcpu->decoy;

	if (!d->active || d->epoch == vcpu->epoch)
		return;
	island_lock(vcpu);
	end_view(vcpu);
	d->attempts--;
	island_publish();
	island_unlock();
}

/* All ones in each byte that differs */
static u64 changed_bytes(u64 a, u64 b)
{
	u64 mask = 0;
	u32 i;

	if (a == b)
		return 0;
	for (i = 0; i < sizeof(a); i++) {
		if ((u8)(a >> (8 * i)) != (u8)(b >> (8 * i)))
			mask |= 0xffULL << (8 * i);
	}
	return mask;
}

/*
 * Other CPUs may have patched the page since. What is judged is what this one
 * changed, laid over what is there now.
 */
static void rebase(struct vcpu *vcpu, const struct decoy_page *page)
{
	u64 *before = (u64 *)pool_page(page->before_pa);
	u64 *copy = (u64 *)pool_page(page->copy_pa);
	const volatile u64 *real;
	u64 changed;
	u32 i;

	if (root_owns(page->gpa))
		return;
	real = window_map(vcpu, page->gpa);
	for (i = 0; i < PAGE_WORDS; i++) {
		changed = changed_bytes(before[i], copy[i]);
		before[i] = real[i];
		copy[i] = (copy[i] & changed) | (before[i] & ~changed);
	}
}

/* Bytes that differ: from the first to behind the last. False if there are none. */
static bool changed_range(const struct decoy_page *page, u32 *from, u32 *to)
{
	const u64 *before = (const u64 *)pool_page(page->before_pa);
	const u64 *copy = (const u64 *)pool_page(page->copy_pa);
	u32 i;

	*from = PAGE_WORDS;
	*to = 0;
	for (i = 0; i < PAGE_WORDS; i++) {
		if (before[i] == copy[i])
			continue;
		if (*from == PAGE_WORDS)
			*from = i;
		*to = i + 1;
	}
	*from *= sizeof(*before);
	*to *= sizeof(*before);
	return *to;
}

/*
 * Each word's change at once: it may be one store of the instruction's, to a page table
 * that other CPUs walk. Bytes that did not change are what is there: rebase() has read
 * them, and who writes to such a page has root's lock.
 */
static void apply(struct vcpu *vcpu, const struct decoy_page *page)
{
	const u64 *before = (const u64 *)pool_page(page->before_pa);
	const u64 *copy = (const u64 *)pool_page(page->copy_pa);
	u8 *real = window_map(vcpu, page->gpa);
	u32 i, offset, size;

	for (i = 0; i < PAGE_WORDS; i++) {
		if (before[i] == copy[i])
			continue;
		offset = changed_piece(before[i], copy[i], &size);
		store_pieces(real + i * sizeof(u64) + offset,
			     (const u8 *)&copy[i] + offset, size);
	}
}

static struct sealed_write describe(const struct decoy *d, u64 pa, u64 va,
				    const u8 *before, const u8 *after, u32 size)
{
	return (struct sealed_write){
		.rip = d->rip,
		.rsp = d->rsp,
		.cpl = d->cpl,
		.va = va,
		.pa = pa,
		.before = before,
		.after = after,
		.size = size,
	};
}

static void judge_page(struct vcpu *vcpu, const struct decoy_page *page)
{
	const struct decoy *d = &vcpu->decoy;
	struct sealed_write w;
	u32 from, to;
	u64 va;

	if (!changed_range(page, &from, &to))
		return;
	/* The second page is the one that the last violation was about. */
	va = d->va & ~(PAGE_SIZE - 1);
	if (page != &d->page[d->count - 1])
		va -= PAGE_SIZE;
	w = describe(d, page->gpa + from, va + from,
		     pool_page(page->before_pa) + from,
		     pool_page(page->copy_pa) + from, to - from);
	vcpu->decoy.attempts = 0;
	if (write_judge(vcpu, &w))
		apply(vcpu, page);
}

/* An instruction across the border of two pages */
#define ACROSS	16

/*
 * Where both pages belong together and only their border was written, it is one
 * write, and each half of it may be nothing by itself.
 */
static bool judge_across(struct vcpu *vcpu)
{
	struct decoy *d = &vcpu->decoy;
	const struct decoy_page *low = &d->page[0];
	const struct decoy_page *high = &d->page[1];
	u8 before[2 * ACROSS], after[2 * ACROSS];
	u32 low_from, low_to, high_from, high_to;
	const struct region *region;
	u64 low_va, high_va;
	struct sealed_write w;

	if (d->count != 2)
		return false;
	region = region_of(low->gpa, &low_va);
	if (!region || region_of(high->gpa, &high_va) != region ||
	    high_va != low_va + PAGE_SIZE ||
	    !changed_range(low, &low_from, &low_to) ||
	    !changed_range(high, &high_from, &high_to) ||
	    low_from < PAGE_SIZE - ACROSS || high_to > ACROSS)
		return false;

	memcpy(before, pool_page(low->before_pa) + PAGE_SIZE - ACROSS, ACROSS);
	memcpy(before + ACROSS, pool_page(high->before_pa), ACROSS);
	memcpy(after, pool_page(low->copy_pa) + PAGE_SIZE - ACROSS, ACROSS);
	memcpy(after + ACROSS, pool_page(high->copy_pa), ACROSS);
	w = describe(d, low->gpa + PAGE_SIZE - ACROSS,
		     (d->va & ~(PAGE_SIZE - 1)) - ACROSS, before, after,
		     sizeof(before));
	d->attempts = 0;
	if (write_judge(vcpu, &w)) {
		apply(vcpu, low);
		apply(vcpu, high);
	}
	return true;
}

/**
 * decoy_judge() - the end of it: judge what the instruction wrote
 * @vcpu: the CPU
 *
 * Context: root, at the first exit after decoy_begin().
 */
void decoy_judge(struct vcpu *vcpu)
{
	struct decoy *d = &vcpu->decoy;
	u32 i;

	/* It has ended, whatever it wrote; or something else came in between. */
	if (vmread(GUEST_RIP) != d->rip)
		d->attempts = 0;
	island_lock(vcpu);
	for (i = 0; i < d->count; i++)
		rebase(vcpu, &d->page[i]);
	if (!judge_across(vcpu)) {
		for (i = 0; i < d->count; i++)
			judge_page(vcpu, &d->page[i]);
	}
	end_view(vcpu);
	island_publish();
	island_unlock();
}
