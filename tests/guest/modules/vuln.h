/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/carapace_vuln: a driver with the bugs that drivers have, for everyone
 *
 * Never part of an installed system. Any user may open it; what the bugs are is
 * said at each command. The rest is what an exploit would have from other bugs
 * (leaks, writes), and what tests of a guard need.
 */
#ifndef VULN_H
#define VULN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VULN_DEVICE	"/dev/carapace_vuln"

/* The most that a message, a read or a write may have */
#define VULN_BYTES	4096

/*
 * Who takes a message. The bugs: what comes in is copied to a buffer of
 * VULN_BUFFER bytes, however long it is; as much as is asked for is copied out.
 * In SCATTER, indices are not checked.
 */
enum vuln_handler {
	VULN_PLAIN,	/* a function without a stack protector */
	VULN_CANARY,	/* one with it */
	VULN_LEVEL,	/* PLAIN; a saved register decides what comes then */
	VULN_FRAME,	/* PLAIN; the caller's stack pointer is restored from RBP */
	VULN_SCATTER,	/* in is struct vuln_word[]; a canary, nothing copied over it */
	VULN_HANDLERS,
};

#define VULN_BUFFER	64

/* What VULN_LEVEL keeps in a register meanwhile */
#define VULN_LEVEL_USER		0x72657375
#define VULN_LEVEL_ADMIN	0x6e696d6461ULL

struct vuln_word {
	__u64 index;
	__u64 value;
};

/**
 * struct vuln_message - a message to the driver, and its answer
 * @handler: enum vuln_handler
 * @in: user's
 * @in_size: in bytes
 * @out: user's
 * @out_size: in bytes
 * @sum: set: of the buffer's bytes, or words
 */
struct vuln_message {
	__u64 handler;
	__u64 in;
	__u64 in_size;
	__u64 out;
	__u64 out_size;
	__u64 sum;
};

/* For root only, as /proc/kallsyms is, but faster */
struct vuln_symbol {
	char name[64];
	__u64 address;	/* set: 0 when there is none */
	__u64 size;	/* set: of the function */
};

/* What an information leak tells the caller about itself */
struct vuln_where {
	__u64 task;
	__u64 stack;
	__u64 stack_size;
	__u64 pgd;	/* that kernel mode uses */
};

/* Any kernel memory */
struct vuln_memory {
	__u64 address;
	__u64 data;	/* user's */
	__u64 size;
};

enum vuln_allocator {
	VULN_KMALLOC,
	VULN_VMALLOC,
	VULN_ALLOCATORS,
};

/* Kernel memory with contents of the caller's, until the file is closed */
struct vuln_allocation {
	__u64 allocator;	/* enum vuln_allocator */
	__u64 data;		/* user's */
	__u64 size;
	__u64 address;		/* set */
};

/* The most that recursions go down */
#define VULN_DEPTH	64
#define VULN_SLEEP_DEPTH 128	/* of calls below which a task sleeps */

/* How long to sleep: until VULN_WAKE on the same open file, where it is 0 */
struct vuln_sleep {
	__u64 milliseconds;
	__u64 depth;	/* of a recursion that sleeps at its end; or 0 */
	__u64 jump;	/* in a function that ends by jumping to another */
};

/*
 * The core kernel searches, and what compares for it sleeps: twice at the same place
 * of the stack, called from the same place, with something else in RBP
 */
struct vuln_search {
	__u64 milliseconds;	/* each time */
};

/*
 * A result that somebody else delivers. The bug: when none comes in time, the
 * place for it, on the stack, is left with those who deliver.
 */
#define VULN_RESULTS	128

struct vuln_watch {
	__u64 milliseconds;
	__u64 address;	/* set: of the place */
	__u64 sum;	/* set: of VULN_RESULTS results */
};

struct vuln_result {
	__u64 index;
	__u64 value;
};

/* Registers when kernel code at RIP begins to run; with RSP 0, it is called. */
struct vuln_jump {
	__u64 rip;
	__u64 rsp;
	__u64 rax;	/* set: what is in it in the end */
	__u64 rcx;
	__u64 rdx;
	__u64 rsi;
	__u64 rdi;
	__u64 r8;
	__u64 r9;
	__u64 r10;
	__u64 r11;
	__u64 interrupts;	/* on, whatever the stack */
};

/* Bits of this CPU's CR4, until the file is closed; Linux does not know */
struct vuln_cr4 {
	__u64 clear;
	__u64 value;	/* set: what it was */
};

/*
 * A function that is called over and over while another CPU changes its return
 * address, from what it is to where it is not to go, and back
 */
struct vuln_race {
	__u64 rounds;
	__u64 spin;	/* how long the function takes */
	__u64 returned;	/* set: how often it went where it should */
	__u64 strayed;	/* set: and where not */
	__u64 wrong;	/* set: how often it returned, with a wrong result */
};

enum vuln_call {
	VULN_EIGHT,	/* arguments */
	VULN_VARIABLE,	/* arguments, nine */
	VULN_STRUCTURE,	/* by value, on the stack */
	VULN_RECURSION,	/* as deep as the argument says */
	VULN_TAIL,	/* a function that ends in another one */
	VULN_POINTER,	/* a call by pointer */
	VULN_CHOKE,	/* as many calls of a choke point */
	VULN_CHOKE_TAIL, /* as many of one that ends in another */
	VULN_CALLS,
};

struct vuln_calls {
	__u64 call;	/* enum vuln_call */
	__u64 argument;
	__u64 result;	/* set: see vuln_work.c */
};

/* A call of a function that returns elsewhere */
struct vuln_context_call {
	__u64 context;	/* enum context: contexts.h */
	__u64 strayed;	/* set: whether it did go elsewhere */
};

/*
 * Calls of the driver by the core kernel by the driver, and so on. The bug: the last
 * of them writes to where the core kernel's function returns that has called it; or to
 * what it has saved itself of that one's registers.
 */
struct vuln_nest {
	__u64 depth;	/* 0 for one such call */
	__u64 strayed;	/* set: whether that one went elsewhere, or found something else */
	__u64 saved;	/* not 0: the latter, RBP */
};

#define VULN_MESSAGE	_IOWR('V', 1, struct vuln_message)
#define VULN_SYMBOL	_IOWR('V', 2, struct vuln_symbol)
#define VULN_WHERE	_IOR('V', 3, struct vuln_where)
#define VULN_READ	_IOW('V', 4, struct vuln_memory)
#define VULN_WRITE	_IOW('V', 5, struct vuln_memory)
#define VULN_ALLOCATE	_IOWR('V', 6, struct vuln_allocation)
/* ETIME when nobody woke it */
#define VULN_SLEEP	_IOW('V', 7, struct vuln_sleep)
#define VULN_WAKE	_IO('V', 8)
#define VULN_WATCH	_IOWR('V', 9, struct vuln_watch)
/* One of the results; VULN_WAKE ends the watch */
#define VULN_DELIVER	_IOW('V', 10, struct vuln_result)
#define VULN_JUMP	_IOWR('V', 11, struct vuln_jump)
#define VULN_CR4	_IOWR('V', 12, struct vuln_cr4)
/* The one runs while the other does, on the same open file */
#define VULN_RACE	_IOWR('V', 13, struct vuln_race)
#define VULN_HAMMER	_IO('V', 14)
#define VULN_CALL	_IOWR('V', 15, struct vuln_calls)
#define VULN_CONTEXT	_IOWR('V', 16, struct vuln_context_call)
#define VULN_NEST	_IOWR('V', 17, struct vuln_nest)
/* EIO when it found something else */
#define VULN_SEARCH	_IOW('V', 18, struct vuln_search)

#endif /* VULN_H */
