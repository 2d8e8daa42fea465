/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the vulnerable driver's sources share
 */
#ifndef VULN_MODULE_H
#define VULN_MODULE_H

#include <linux/types.h>
#include <linux/wait.h>

#include "vuln.h"

/**
 * struct vuln_file - an open file's state
 *
 * Nothing is freed by a command: whoever is attacked may never come back.
 *
 * @in: what came from the user, VULN_BYTES
 * @out: what goes there, VULN_BYTES
 * @memory: VULN_ALLOCATE's last
 * @wait: who sleeps
 * @woken: that it may go on
 * @results: where results of a watch go
 * @cr4_cpu: whose CR4 was changed, or -1
 * @cr4_bits: what was cleared there
 * @race_slot: where the return address lies, while there is a race
 * @race_task: whose it is
 * @race_hammered: somebody writes there
 */
struct vuln_file {
	u8 *in;
	u8 *out;
	void *memory;
	wait_queue_head_t wait;
	bool woken;
	u64 *results;
	int cr4_cpu;
	u64 cr4_bits;
	u64 *race_slot;
	struct task_struct *race_task;
	bool race_hammered;
};

/* vuln_main.c */
void vuln_grant(void);

/* vuln_message.c */
long vuln_message(struct vuln_file *file, struct vuln_message *m);

/* vuln_memory.c */
int vuln_symbols_init(void);
int vuln_symbol(struct vuln_symbol *s);
void vuln_where(struct vuln_where *w);
int vuln_read(struct vuln_file *file, const struct vuln_memory *m);
int vuln_write(struct vuln_file *file, const struct vuln_memory *m);
int vuln_allocate(struct vuln_file *file, struct vuln_allocation *a);
void vuln_memory_release(struct vuln_file *file);

/* vuln_sleep.c */
long vuln_sleep(struct vuln_file *file, const struct vuln_sleep *s);
void vuln_wake(struct vuln_file *file);
long vuln_watch(struct vuln_file *file, struct vuln_watch *w);
long vuln_search(struct vuln_file *file, const struct vuln_search *s);
int vuln_deliver(struct vuln_file *file, const struct vuln_result *r);

/* vuln_jump.c, vuln_enter.S */
u64 vuln_call(u64 function, u64 first, u64 second);
void vuln_jump(struct vuln_jump *j);
u64 vuln_enter(const struct vuln_jump *j);
int vuln_cr4(struct vuln_file *file, struct vuln_cr4 *c);
void vuln_jump_release(struct vuln_file *file);

/* vuln_race.c, vuln_enter.S */
int vuln_race(struct vuln_file *file, struct vuln_race *r);
int vuln_hammer(struct vuln_file *file);
void vuln_race_rounds(struct vuln_file *file, struct vuln_race *r);
/* What it returns, always */
#define VULN_RACE_RESULT	0x7e57

u64 vuln_race_function(struct vuln_file *file, struct vuln_race *r);
extern const u8 vuln_race_returned[];
extern const u8 vuln_race_strayed[];
extern u64 vuln_race_strays;

/* vuln_calls.c */
int vuln_calls(struct vuln_calls *c);

/* vuln_context.c, vuln_enter.S */
int vuln_context(struct vuln_context_call *c);
u64 vuln_detour(void);
u64 vuln_detour_function(void);
extern const u8 vuln_detour_strayed[];

/* vuln_nest.c, vuln_enter.S */
int vuln_nest(struct vuln_nest *n);
int vuln_nest_compare(const void *key, const void *element);
void vuln_nest_search(struct vuln_nest *n);
extern const u8 vuln_nest_returned[];
extern const u8 vuln_nest_strayed[];

#endif /* VULN_MODULE_H */
