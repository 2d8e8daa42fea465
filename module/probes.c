// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: kprobes that are there already
 *
 * Root sees what a kprobe replaces when it is armed. Of those that are armed
 * before the code is sealed it is told here, so that they can be taken away again.
 *
 * A kprobe copies the instruction when it is registered, which may be long before
 * it is armed: what is under one must not change until it is gone.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "bridge.h"
#include "hypercall.h"
#include "kernel_symbols.h"
#include "opcodes.h"
#include "probes.h"
#include "requests.h"

/* kernel/kprobes.c: KPROBE_TABLE_SIZE */
#define TABLE_SIZE	64

#define JUMP_OPERAND	4

static struct hlist_head *probe_table;

#ifdef CARAPACE_TESTING
static uint probe_room = PROBE_NOTES;
module_param(probe_room, uint, 0400);
MODULE_PARM_DESC(probe_room, "Testing: no more kprobes within functions than this");
#else
#define probe_room	PROBE_NOTES
#endif

#ifdef CONFIG_OPTPROBES
/*
 * What an optimised probe has put aside, or NULL. Its jump need not be whole: armed
 * again before Linux has come to take the jump away, it has an INT3 in front, and the
 * rest stays. And it counts as optimised before it is.
 */
static const u8 *bytes_aside(struct kprobe *probe)
{
	const struct optimized_kprobe *op =
		container_of(probe, struct optimized_kprobe, kp);
	const u8 *behind = (u8 *)probe->addr + 1;
	s32 distance;

	if (*(u8 *)probe->addr != OPCODE_JMP) {
		if (!(probe->flags & KPROBE_FLAG_OPTIMIZED))
			return NULL;
		memcpy(&distance, behind, sizeof(distance));
		if (behind + JUMP_OPERAND + distance != (u8 *)op->optinsn.insn)
			return NULL;
	}
	return op->optinsn.copied_insn;
}
#else
static const u8 *bytes_aside(struct kprobe *probe)
{
	return NULL;
}
#endif

/* The probe's own instruction, then what lies behind it, or did */
static u64 bytes_under(struct kprobe *probe)
{
	u8 bytes[sizeof(u64)] = { probe->opcode };

	memcpy(bytes + 1, bytes_aside(probe) ? : (u8 *)probe->addr + 1,
	       JUMP_OPERAND);
	return *(u64 *)bytes;
}

static struct mutex *probes_mutex(void)
{
	return (void *)kernel_symbol("kprobe_mutex");
}

/**
 * probes_lock() - let none come or go
 *
 * Context: may sleep; before the lock that keeps CPUs online, as in Linux.
 */
void probes_lock(void)
{
	struct mutex *lock = probes_mutex();

	if (lock)
		mutex_lock(lock);
}

/**
 * probes_unlock() - they may again
 *
 * Context: may sleep; after probes_lock().
 */
void probes_unlock(void)
{
	struct mutex *lock = probes_mutex();

	if (lock)
		mutex_unlock(lock);
}

/**
 * probes_walk() - go through those that replace code, or may
 * @function: called for each
 * @data: for it
 *
 * Not through those that ftrace does the work of.
 *
 * Context: between probes_lock() and probes_unlock().
 */
void probes_walk(void (*function)(struct kprobe *probe, void *data), void *data)
{
	struct kprobe *probe;
	u32 i;

	for (i = 0; probe_table && i < TABLE_SIZE; i++) {
		hlist_for_each_entry(probe, &probe_table[i], hlist) {
			if (!(probe->flags &
			      (KPROBE_FLAG_FTRACE | KPROBE_FLAG_GONE)))
				function(probe, data);
		}
	}
}

static void note_if_armed(struct kprobe *probe, void *unused)
{
	long err;

	if (*(u8 *)probe->addr == probe->opcode)
		return;
	err = hypercall(HYPERCALL_NOTE_PROBE, (u64)probe->addr,
			bytes_under(probe));
	if (err)
		pr_warn("the kprobe at %pS cannot be removed while attached (%ld)\n",
			probe->addr, err);
}

/**
 * probes_note() - tell root
 *
 * Context: may sleep; code is sealed, guards are not on yet.
 */
void probes_note(void)
{
	probe_table = (void *)kernel_symbol("kprobe_table");
	probes_lock();
	probes_walk(note_if_armed, NULL);
	probes_unlock();
}

static void count_one(struct kprobe *probe, void *count)
{
	++*(u32 *)count;
}

/**
 * probes_have_room() - whether root can note one more, when it is armed
 *
 * Those that are not armed count, too: they may be at any time.
 *
 * Context: any, but with Linux's lock on kprobes held, as it registers one.
 */
bool probes_have_room(void)
{
	u32 count = 0;

	probes_walk(count_one, &count);
	return count < probe_room;
}
