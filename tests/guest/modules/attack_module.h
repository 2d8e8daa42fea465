/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the attacks' sources share
 */
#ifndef ATTACK_MODULE_H
#define ATTACK_MODULE_H

#include <linux/types.h>
#include <asm/asm.h>
#include <asm/processor-flags.h>

#include "attack.h"

struct vm_area_struct;

/**
 * struct attack_group - the attacks on one subject
 * @first: the first of them
 * @last: the last
 * @perform: what performs them; effect is ATTACK_NOT_HERE before
 * @undo: undo what waits for user space, or NULL; may come when nothing does
 */
struct attack_group {
	u32 first;
	u32 last;
	void (*perform)(struct attack_request *q);
	void (*undo)(void);
};

extern const struct attack_group attack_registers;
extern const struct attack_group attack_code;
extern const struct attack_group attack_patch;
extern const struct attack_group attack_exec;
extern const struct attack_group attack_helper;
extern const struct attack_group attack_self;
extern const struct attack_group attack_stub;

int attack_registers_init(void);
void attack_registers_exit(void);
int attack_exec_init(void);
void attack_exec_exit(void);
int attack_helper_init(void);
void attack_helper_exit(void);
void attack_helper_poweroff(void);
int attack_helper_mmap(struct vm_area_struct *area);

/* attack_call.S: call what may have no ENDBR, as a chain of returns would */
u64 attack_call(u64 function, u64 a, u64 b, u64 c, u64 d);

/*
 * attack_call.S: jump there, with RAX = 0 and RCX = @rcx; who catches it has it go on at
 * attack_left, on that stack, and then it returns.
 */
void attack_enter(u64 rip, u64 rsp, u64 rcx, u64 cs);
extern const char attack_left[];
extern u64 attack_stack;

/* attack_self.c: RAX; what it was before where there is no hypervisor: #UD */
u64 attack_hypercall(u64 number, u64 first, u64 second);

/* attack_code.c */
u8 *attack_bpf_program(u64 fd, u32 *size);

/* attack_memory.c */
enum attack_way {
	WAY_PLAIN,
	WAY_WP,
	WAY_PTE,
	WAY_DIRECT,
	WAY_ALIAS,
};

int attack_symbols_init(void);
u64 attack_symbol(const char *name);
u64 *attack_entry(u64 address, u64 *physical, unsigned int *level);
u64 *attack_top_entry(u64 address);
u64 *attack_own_entry(u64 address, u64 *physical);
int attack_store(void *to, const void *from, size_t size);
int attack_set_entry(u64 *entry, u64 value, u64 address);
int attack_write(enum attack_way way, void *to, const void *from, size_t size);
void attack_overwrite(struct attack_request *q, enum attack_way way, void *to,
		      const void *from, size_t size);

#define ATTACK_BYTES	256	/* the most that attack_overwrite() takes */

/* Of a page-table entry: where what it leads to is */
#define ENTRY_FRAME	0x000ffffffffff000ULL

#define RAW_CR(n)							\
static inline u64 raw_read_cr##n(void)					\
{									\
	u64 value;							\
									\
	asm volatile("mov %%cr" #n ", %0" : "=r" (value));		\
	return value;							\
}									\
									\
static inline int raw_write_cr##n(u64 value)				\
{									\
	int err = -EFAULT;						\
									\
	asm volatile("1: mov %1, %%cr" #n "\n\txor %0, %0\n2:\n"	\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+r" (err) : "r" (value) : "memory");		\
	return err;							\
}

RAW_CR(0)
RAW_CR(4)

#undef RAW_CR

/* attack_call.S: what attack_canary() returns; it is in its code */
#define ATTACK_CANARY	0x5ca1ab1e
#define ATTACK_FORGED	0x0defaced

u32 attack_canary(void);
u32 attack_other_canary(void);

#endif /* ATTACK_MODULE_H */
