// SPDX-License-Identifier: GPL-2.0
/*
 * What the vulnerable driver lets anyone do, one thing at a time, for scripts
 *
 * Each argument is a number, a symbol, or a symbol + a number. Symbols are for
 * root. RSP may be "kmalloc" or "vmalloc": memory of the driver's; or "stack": where
 * no function comes on the caller's own; with 0, what is at RIP is called.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "context_user.h"
#include "modules/vuln.h"

#define RETURNS	8	/* as many words of return addresses */
#define LOWEST	4096	/* bytes of a stack */

static int device;

static __u64 address(const char *text)
{
	struct vuln_symbol s = { 0 };
	size_t length = strcspn(text, "+");
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (end != text && !*end)
		return value;
	snprintf(s.name, sizeof(s.name), "%.*s", (int)length, text);
	if (ioctl(device, VULN_SYMBOL, &s)) {
		perror(text);
		exit(1);
	}
	if (text[length])
		s.address += strtoull(text + length + 1, NULL, 0);
	return s.address;
}

static int result(int err)
{
	if (err)
		perror(VULN_DEVICE);
	return err ? 1 : 0;
}

static int read_word(char **argv)
{
	__u64 word = 0;
	struct vuln_memory m = { address(argv[0]), (__u64)&word, sizeof(word) };

	if (ioctl(device, VULN_READ, &m))
		return result(-1);
	printf("%#llx\n", word);
	return 0;
}

static int write_word(char **argv)
{
	__u64 word = address(argv[1]);
	struct vuln_memory m = { address(argv[0]), (__u64)&word, sizeof(word) };

	return result(ioctl(device, VULN_WRITE, &m));
}

static int show_address(char **argv)
{
	printf("%#llx\n", address(argv[0]));
	return 0;
}

/* The stack that this process is on in the kernel */
static __u64 own_stack(void)
{
	struct vuln_where w;

	if (ioctl(device, VULN_WHERE, &w))
		exit(result(-1));
	return w.stack;
}

static int show_stack(char **argv)
{
	(void)argv;
	printf("%#llx\n", own_stack());
	return 0;
}

/*
 * What returns there comes back by vuln_leave, and what takes some words with it, too;
 * after the addresses that come first, if there are some: ",ADDRESS" each.
 */
static void fill_returns(__u64 words[RETURNS], char *first)
{
	unsigned int i;

	for (i = 0; i < RETURNS; i++)
		words[i] = address("vuln_leave");
	strtok(first, ",");
	for (i = 0; i < RETURNS && (first = strtok(NULL, ",")); i++)
		words[i] = address(first);
}

/* The driver's memory as a stack */
static __u64 stack_in(enum vuln_allocator allocator, char *first)
{
	static __u64 words[VULN_BYTES / sizeof(__u64)];
	struct vuln_allocation a = { allocator, (__u64)words, sizeof(words) };
	const size_t at = sizeof(words) / sizeof(*words) - RETURNS;

	fill_returns(words + at, first);
	if (ioctl(device, VULN_ALLOCATE, &a))
		exit(result(-1));
	return a.address + at * sizeof(*words);
}

static __u64 stack_in_own(char *first)
{
	__u64 words[RETURNS];
	struct vuln_memory m = {
		.address = own_stack() + LOWEST - sizeof(words),
		.data = (__u64)words,
		.size = sizeof(words),
	};

	fill_returns(words, first);
	if (ioctl(device, VULN_WRITE, &m))
		exit(result(-1));
	return m.address;
}

/* Whether it is WORD, or WORD,ADDRESS... */
static bool begins_with(const char *text, const char *word)
{
	size_t length = strlen(word);

	return !strncmp(text, word, length) && (!text[length] || text[length] == ',');
}

static __u64 register_value(char *text)
{
	if (begins_with(text, "kmalloc"))
		return stack_in(VULN_KMALLOC, text);
	if (begins_with(text, "vmalloc"))
		return stack_in(VULN_VMALLOC, text);
	if (begins_with(text, "stack"))
		return stack_in_own(text);
	return address(text);
}

/* RAX, if it comes back */
static int jump(char **argv)
{
	struct vuln_jump j = { .rip = address(argv[0]) };
	__u64 *const registers[] = { &j.rsp, &j.rax, &j.rcx, &j.r10, &j.r11,
				     &j.rdi, &j.rsi, &j.rdx };
	unsigned int i;

	for (i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
		if (!argv[1 + i])
			break;
		*registers[i] = register_value(argv[1 + i]);
	}
	if (ioctl(device, VULN_JUMP, &j))
		return result(-1);
	printf("%#llx\n", j.rax);
	return 0;
}

/* In ring 3; where there is no such instruction that is SIGILL. */
static int vmfunc(char **argv)
{
	asm volatile("vmfunc"
		     : : "a" (address(argv[0])), "c" (address(argv[1]))
		     : "memory");
	printf("done\n");
	return 0;
}

static int sleep_in_kernel(char **argv)
{
	struct vuln_sleep s = { .milliseconds = address(argv[0]) };

	if (argv[1])
		s.depth = address(argv[1]);
	if (ioctl(device, VULN_SLEEP, &s) && errno != ETIME)
		return result(-1);
	return 0;
}

static int sleep_twice(char **argv)
{
	struct vuln_search s = { .milliseconds = address(argv[0]) };

	return result(ioctl(device, VULN_SEARCH, &s));
}

/* See enum vuln_call */
static int call(char **argv)
{
	struct vuln_calls c = { address(argv[0]), address(argv[1]) };

	if (ioctl(device, VULN_CALL, &c))
		return result(-1);
	printf("%llu\n", c.result);
	return 0;
}

static int detour(struct vuln_context_call *c, int err)
{
	if (err)
		return result(err);
	printf("%s\n", c->strayed ? "strayed" : "returned");
	return 0;
}

static int context(char **argv)
{
	struct vuln_context_call c = { .context = context_named(argv[0]) };

	if (c.context == CONTEXT_COUNT)
		return 2;
	return detour(&c, ioctl(device, VULN_CONTEXT, &c));
}

static int init_context(char **argv)
{
	struct vuln_context_call c = { .context = CONTEXT_TASK };

	(void)argv;
	return detour(&c, ioctl_by_init(VULN_DEVICE, VULN_CONTEXT, &c, sizeof(c)));
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("no such CPU");
		exit(1);
	}
}

static void *hammer(void *unused)
{
	run_on(1);
	ioctl(device, VULN_HAMMER);
	return NULL;
}

static int race(char **argv)
{
	struct vuln_race r = {
		.rounds = address(argv[0]),
		.spin = address(argv[1]),
	};
	pthread_t thread;
	int err;

	run_on(0);
	if (pthread_create(&thread, NULL, hammer, NULL))
		return result(-1);
	err = ioctl(device, VULN_RACE, &r);
	pthread_join(thread, NULL);
	printf("returned %llu strayed %llu wrong %llu\n", r.returned,
	       r.strayed, r.wrong);
	return result(err);
}

static const struct {
	const char *name, *arguments;
	int least;
	int (*run)(char **argv);
} commands[] = {
	{ "address", "ADDRESS", 1, show_address },
	{ "stack", "", 0, show_stack },
	{ "read", "ADDRESS", 1, read_word },
	{ "write", "ADDRESS VALUE", 2, write_word },
	{ "jump", "RIP [RSP RAX RCX R10 R11 RDI RSI RDX]", 1, jump },
	{ "vmfunc", "EAX ECX", 2, vmfunc },
	{ "sleep", "MILLISECONDS [DEPTH]", 1, sleep_in_kernel },
	{ "sleep_twice", "MILLISECONDS", 1, sleep_twice },
	{ "call", "KIND ARGUMENT", 2, call },
	{ "race", "ROUNDS SPIN", 2, race },
	{ "context", "task|worker|thread|timer|interrupt", 1, context },
	{ "context_init", "", 0, init_context },
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; argc > 1 && i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) ||
		    argc - 2 < commands[i].least)
			continue;
		device = open(VULN_DEVICE, O_RDWR | O_CLOEXEC);
		return device < 0 ? result(-1) : commands[i].run(argv + 2);
	}
	fprintf(stderr, "usage:\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(stderr, "  vuln %s %s\n", commands[i].name,
			commands[i].arguments);
	return 2;
}
