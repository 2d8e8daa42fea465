// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: guarded modules: returns that compare
 *
 * Root patches them, and puts back what was there. It is asked for all but those that
 * a probe is on; what has become of each is looked up afterwards.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>

#include "cpus_call.h"
#include "guarded.h"
#include "guarded_returns.h"
#include "hypercall.h"
#include "layout.h"
#include "probes.h"
#include "requests.h"
#include "returns.h"
#include "returns_stub.h"

/* Somebody may be where functions jumped to that are guarded no more. */
static bool jumps_left;

/* The return that a probe is on, if it is one of these that are not yet left out */
static struct return_site *site_under(const struct return_functions *f,
				      const struct kprobe *probe)
{
	u64 offset = (u64)probe->addr - f->text;
	u32 i;

	for (i = 0; offset < f->size && i < f->nr_sites; i++) {
		if (f->sites[i].offset == offset)
			return f->sites[i].state == RETURN_GUARDED ?
			       &f->sites[i] : NULL;
	}
	return NULL;
}

static void leave_out(struct kprobe *probe, void *guarded)
{
	const struct guarded *g = guarded;
	struct return_site *site = site_under(&g->functions, probe);

	if (site)
		site->state = RETURN_CHANGED;
}

struct probed {
	const struct guarded *guarded;
	const struct kprobe *probe;
};

static void note_probed(struct kprobe *probe, void *probed)
{
	struct probed *p = probed;

	if (site_under(&p->guarded->functions, probe))
		p->probe = probe;
}

/**
 * guarded_returns_restore() - put a module's returns back, whatever probes there are
 * @g: the module
 *
 * Context: may sleep; guarded_mutex is held; takes cpu_hotplug_lock.
 *
 * Return: how many are no longer as they were left, and stay so; or a negative errno.
 */
int guarded_returns_restore(const struct guarded *g)
{
	struct return_patch q = {
		.text = g->functions.text,
		.undo = true,
	};

	jumps_left = true;
	return cpus_patch_hypercall(HYPERCALL_RETURNS_PATCH, (u64)&q, 0);
}

static int nothing(void *unused)
{
	return 0;
}

/**
 * guarded_returns_see_stubs_end() - wait until nobody is left in a stub
 *
 * A task that was interrupted there has left it when RCU-tasks has seen it; an
 * interrupt handler, and an idle task, before all CPUs stop.
 *
 * Context: may sleep; no entry, and no return, leads there any more.
 */
void guarded_returns_see_stubs_end(void)
{
	synchronize_rcu_tasks();
	stop_machine(nothing, NULL, NULL);
}

/**
 * guarded_returns_see_jumps_end() - the same, for where functions jumped to
 *
 * Before root uses these places for other functions. Where nothing was put back since
 * the last time there is nobody.
 *
 * Context: may sleep; guarded_mutex is held.
 */
void guarded_returns_see_jumps_end(void)
{
	if (jumps_left)
		guarded_returns_see_stubs_end();
	jumps_left = false;
}

/* Where a guarded return, or jump, leads now */
static bool is_checked(u64 target, bool *jump)
{
	*jump = target - (u64)returns_jumps < RETURN_JUMPS_SIZE;
	return *jump || target == (u64)returns_check;
}

/**
 * guarded_site_patched() - whether a return compares
 * @guarded: the module
 * @site: which of its returns
 *
 * Context: any; what stands in the code is what counts.
 */
bool guarded_site_patched(const struct guarded *guarded, u32 site)
{
	u64 va = guarded->functions.text + guarded->functions.sites[site].offset;
	u64 target;
	bool jump;

	return return_site_form((const u8 *)va, va, &target) == RETURN_JUMP &&
	       is_checked(target, &jump);
}

/*
 * Root patches what is a return, and nothing else. Of those that were found by
 * decoding (choke_points.c), jumps that are left are no returns.
 */
static void look_what_became(struct guarded *g)
{
	struct return_functions *f = &g->functions;
	enum return_form form;
	struct return_site site;
	u32 i, nr = 0;
	u64 va, target;
	bool jump;

	for (i = 0; i < f->nr_sites; i++) {
		va = f->text + f->sites[i].offset;
		form = return_site_form((const u8 *)va, va, &target);
		site = f->sites[i];
		if (site.state == RETURN_GUARDED) {
			if (form == RETURN_JUMP && is_checked(target, &jump))
				site.jump = jump;
			else if (form == RETURN_JUMP && f->choke)
				continue;
			else
				site.state = form == RETURN_JUMP && site.jump ?
					     RETURN_REFUSED : RETURN_CHANGED;
		}
		f->sites[nr++] = site;
	}
	f->nr_sites = nr;
}

/**
 * guarded_returns_patch() - have a module's returns compare
 * @g: the module; its entries store, and so has been done for what was entered before
 *
 * Not under a probe, be it armed or not: it has a copy of what is there now, which
 * is what will run when it is hit, and will be put back.
 *
 * Context: may sleep; guarded_mutex is held.
 *
 * Return: 0; -ENOMEM; -EIO where the module's code is not sealed; another errno. Then
 * none does.
 */
int guarded_returns_patch(struct guarded *g)
{
	const struct return_functions *f = &g->functions;
	struct return_patch q = { .text = f->text };
	u32 *offsets;
	u32 i;
	int err;

	offsets = kvmalloc_array(f->nr_sites + 1, sizeof(*offsets), GFP_KERNEL);
	if (!offsets)
		return -ENOMEM;
	probes_lock();
	probes_walk(leave_out, g);
	for (i = 0; i < f->nr_sites; i++) {
		if (f->sites[i].state == RETURN_GUARDED)
			offsets[q.nr_sites++] = f->sites[i].offset;
	}
	q.sites = (u64)offsets;
	err = cpus_patch_hypercall(HYPERCALL_RETURNS_PATCH, (u64)&q, 0);
	if (err)
		guarded_returns_restore(g);
	if (err == -EINVAL)
		err = -EIO;
	look_what_became(g);
	probes_unlock();
	kvfree(offsets);
	return err;
}

/**
 * guarded_returns_probed() - whether a probe is on one of a module's returns
 * @g: the module
 * @quiet: do not say so in the log
 *
 * Context: may sleep; with probes_lock().
 */
bool guarded_returns_probed(const struct guarded *g, bool quiet)
{
	struct probed probed = { .guarded = g };

	probes_walk(note_probed, &probed);
	if (probed.probe && !quiet)
		pr_notice("%s stays guarded: there is a probe on its return at %pS; remove it and try again\n",
			  g->name, probed.probe->addr);
	return probed.probe;
}

/**
 * guarded_returns_unpatch() - have none of them compare any more
 * @g: the module
 * @quiet: say nothing
 *
 * Context: may sleep; guarded_mutex is held.
 *
 * Return: 0; -EBUSY, after one line, where a probe is on one, and then all still do, or
 * where some are no longer as they were left; another errno.
 */
int guarded_returns_unpatch(const struct guarded *g, bool quiet)
{
	int ret = -EBUSY;

	probes_lock();
	if (!guarded_returns_probed(g, quiet))
		ret = guarded_returns_restore(g);
	probes_unlock();
	if (ret > 0 && !quiet)
		pr_notice("%s stays guarded in part: %d of its returns are no longer as they were left\n",
			  g->name, ret);
	return ret > 0 ? -EBUSY : ret;
}
