// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: kprobes that are there before the code is sealed
 *
 * Root sees what a kprobe replaces when it is armed. Of those that are armed
 * already it is told here, so that they can be taken away again.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "bridge.h"
#include "hypercall.h"
#include "kernel_symbols.h"
#include "probes.h"

/* kernel/kprobes.c: KPROBE_TABLE_SIZE */
#define TABLE_SIZE	64

#define JUMP32		0xe9
#define JUMP_OPERAND	4

/* The probe's own instruction, then what lies behind it, or did */
static u64 bytes_under(struct kprobe *probe)
{
	u8 bytes[sizeof(u64)] = { probe->opcode };

#ifdef CONFIG_OPTPROBES
	if (*(u8 *)probe->addr == JUMP32) {
		memcpy(bytes + 1,
		       container_of(probe, struct optimized_kprobe,
				    kp)->optinsn.copied_insn, JUMP_OPERAND);
		return *(u64 *)bytes;
	}
#endif
	memcpy(bytes + 1, (u8 *)probe->addr + 1, JUMP_OPERAND);
	return *(u64 *)bytes;
}

/* Armed, and not by ftrace */
static bool replaces_code(const struct kprobe *probe)
{
	return *(u8 *)probe->addr != probe->opcode &&
	       !(probe->flags & (KPROBE_FLAG_FTRACE | KPROBE_FLAG_GONE));
}

/**
 * probes_note() - tell root
 *
 * Context: may sleep; code is sealed, guards are not on yet.
 */
void probes_note(void)
{
	struct hlist_head *table = (void *)kernel_symbol("kprobe_table");
	struct mutex *lock = (void *)kernel_symbol("kprobe_mutex");
	struct kprobe *probe;
	long err;
	u32 i;

	if (!table || !lock)
		return;
	mutex_lock(lock);
	for (i = 0; i < TABLE_SIZE; i++) {
		hlist_for_each_entry(probe, &table[i], hlist) {
			if (!replaces_code(probe))
				continue;
			err = hypercall(HYPERCALL_NOTE_PROBE,
					(u64)probe->addr, bytes_under(probe));
			if (err)
				pr_warn("the kprobe at %pS cannot be removed while attached (%ld)\n",
					probe->addr, err);
		}
	}
	mutex_unlock(lock);
}
