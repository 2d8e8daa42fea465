// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: a look at a stack of Linux's: what is on it, and where it leads
 *
 * By the tables that Linux's own unwinder goes by. The core kernel's are ordinary
 * data to Linux; here they are sealed with its read-only data, as a module's are,
 * for who could change them would say what is a return address and what is not.
 * The first and the last page also hold something else and stay writable, so that
 * root has copies of them: the entry code's rules lie there on some kernels.
 */
#include "cpu_ops.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "requests.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"
#include "window.h"

/* Where a word of it lies; false for what is no word of it */
static bool resolve(struct stack *stack, u64 va, u64 *pa)
{
	u64 offset = va - stack->base;
	u64 *frame = &stack->frame[offset / PAGE_SIZE];
	struct guest_mapping m;

	if (offset >= island.config.returns.stack_size || va % sizeof(u64))
		return false;
	if (!*frame) {
		if (!guest_walk(stack->vcpu, va, &m) || m.user ||
		    !guest_owns(m.pa))
			return false;
		*frame = m.pa & ~(PAGE_SIZE - 1);
	}
	*pa = *frame + va % PAGE_SIZE;
	return true;
}

static volatile u64 *show(struct vcpu *vcpu, u64 pa)
{
	return window_at(vcpu, pa);
}

/**
 * stack_read() - a word of a stack
 * @stack: the stack
 * @va: the word's address
 * @word: set
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: false for what is not on that stack.
 */
bool stack_read(struct stack *stack, u64 va, u64 *word)
{
	u64 pa;

	if (!resolve(stack, va, &pa))
		return false;
	*word = *show(stack->vcpu, pa);
	return true;
}

/**
 * stack_read_words() - the words of a stack that lie in a page
 * @stack: the stack
 * @va: the first one's address
 * @words: set
 * @nr: how many are wanted
 *
 * With one change of what the window shows, for all of them.
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: how many there are; fewer at the page's end, and 0 off the stack.
 */
u32 stack_read_words(struct stack *stack, u64 va, u64 *words, u32 nr)
{
	u64 in_page = (PAGE_SIZE - va % PAGE_SIZE) / sizeof(u64);
	u64 pa;

	if (!resolve(stack, va, &pa))
		return 0;
	if (nr > in_page)
		nr = in_page;
	memcpy(words, (const void *)show(stack->vcpu, pa), nr * sizeof(u64));
	return nr;
}

/**
 * stack_write() - change it
 * @stack: the stack
 * @va: the word's address
 * @word: what is to be there
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: false for what is not on that stack, or is memory that the guest could
 * not write itself.
 */
bool stack_write(struct stack *stack, u64 va, u64 word)
{
	u64 pa;

	if (!resolve(stack, va, &pa) ||
	    !ept_permits(&island.ept, pa, EPT_WRITE))
		return false;
	*show(stack->vcpu, pa) = word;
	return true;
}

static bool read_stack(void *stack, u64 va, void *to, u32 size)
{
	return size == sizeof(u64) && stack_read(stack, va, to);
}

/* Linux's addresses of the pages that root has copies of */
static u64 edge_va(enum unwind_edge edge)
{
	const struct code_range *core = &island.config.unwind;

	return edge == UNWIND_FIRST ? core->va - PAGE_SIZE :
				      core->va + core->size;
}

/**
 * stack_walk_init() - copy what cannot be sealed of the core kernel's tables
 *
 * Context: island_init(), with Linux's memory mapped.
 *
 * Return: 0 or -ENOMEM.
 */
int stack_walk_init(void)
{
	const struct unwind_table *t = &island.config.stacks.unwind;
	const bool needed[UNWIND_EDGES] = {
		[UNWIND_FIRST] = t->ips < island.config.unwind.va,
		[UNWIND_LAST] = t->blocks + t->nr_blocks * sizeof(u32) >
				edge_va(UNWIND_LAST),
	};
	enum unwind_edge i;
	void *copy;

	for (i = 0; i < UNWIND_EDGES; i++) {
		if (!island.config.unwind.size || !needed[i])
			continue;
		island.unwind_edge[i] = table_pool_alloc(&island.config.pool,
							 &copy);
		if (!island.unwind_edge[i])
			return -ENOMEM;
		memcpy(copy, (const void *)edge_va(i), PAGE_SIZE);
	}
	return 0;
}

/* Where something of the core kernel's tables lies, or its copy; 0 for nothing */
static u64 core_table(u64 va)
{
	const struct code_range *core = &island.config.unwind;
	enum unwind_edge i;

	if (va - core->va < core->size)
		return core->pa + (va - core->va);
	for (i = 0; i < UNWIND_EDGES; i++) {
		if (island.unwind_edge[i] && va - edge_va(i) < PAGE_SIZE)
			return island.unwind_edge[i] + va % PAGE_SIZE;
	}
	return 0;
}

/* From a table of the core kernel's, or a module's */
static bool read_table(void *vcpu, u64 va, void *to, u32 size)
{
	u64 pa = core_table(va);
	u32 part;

	if (!pa)
		return region_read(vcpu, va, to, size);
	for (; pa; pa = core_table(va)) {
		part = PAGE_SIZE - pa % PAGE_SIZE;
		if (part > size)
			part = size;
		memcpy(to, window_at(vcpu, pa), part);
		size -= part;
		if (!size)
			return true;
		va += part;
		to = (u8 *)to + part;
	}
	return false;
}

/*
 * A module's table. Without the lock: other modules come and go, but not one that
 * has a frame on a stack, and none that goes can be taken for it (region.c). At
 * worst a page of the table is not found at this moment, and the walk ends there.
 */
static bool module_table(u64 ip, struct unwind_table *table)
{
	const struct region *region = region_at(ip, 1);

	if (!region)
		return false;
	*table = (struct unwind_table){
		.start = region->patch.va,
		.size = region->patch.size,
		.ips = region->unwind_ips,
		.rules = region->unwind_rules,
		.nr = __atomic_load_n(&region->nr_unwind, __ATOMIC_ACQUIRE),
	};
	return table->nr;
}

static bool find_rule(struct vcpu *vcpu, const struct unwind_frame *frame,
		      struct unwind_rule *rule)
{
	const struct unwind_memory memory = { read_table, vcpu };
	const struct unwind_numbers *numbers = &island.config.stacks.unwind_numbers;
	const struct unwind_table *core = &island.config.stacks.unwind;
	u64 ip = frame->ip - frame->after_call;
	struct unwind_table table;

	if (ip - core->start < core->size)
		return unwind_find(core, numbers, &memory, frame, rule);
	return module_table(ip, &table) &&
	       unwind_find(&table, numbers, &memory, frame, rule);
}

/**
 * stack_is_entry() - whether the stack is at an instruction as when a function begins
 * @vcpu: the CPU
 * @ip: its address
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 */
bool stack_is_entry(struct vcpu *vcpu, u64 ip)
{
	const struct unwind_frame frame = { .ip = ip };
	struct unwind_rule rule;

	return find_rule(vcpu, &frame, &rule) && unwind_is_entry(&rule);
}

static bool put_word(struct stack *stack, struct stack_words *words, u32 i, u64 at)
{
	if (!stack_read(stack, at, &words->value[i]))
		return false;
	words->offset[i] = at - stack->base;
	return true;
}

/**
 * stack_note() - note a word of a stack
 * @stack: the stack
 * @words: where it is added
 * @at: its address
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: false where there is no such word, or no room.
 */
bool stack_note(struct stack *stack, struct stack_words *words, u64 at)
{
	if (words->nr == STACK_WORDS || !put_word(stack, words, words->nr, at))
		return false;
	words->nr++;
	return true;
}

/* The last one to its place: a saved RBP lies further in than what was found before. */
static void sort_last(struct stack_words *words, u32 first)
{
	u32 i = words->nr - 1;
	u16 offset = words->offset[i];
	u64 value = words->value[i];

	for (; i > first && words->offset[i - 1] > offset; i--) {
		words->offset[i] = words->offset[i - 1];
		words->value[i] = words->value[i - 1];
	}
	words->offset[i] = offset;
	words->value[i] = value;
}

/*
 * In the place of the one that is further in than all others behind the innermost.
 * What is left out is what a driver has there that calls itself; the core kernel's
 * frames are at both ends.
 */
static bool note_outer(struct stack *stack, struct stack_words *words, u64 at)
{
	u32 i = STACK_INNERMOST +
		words->left_out % (STACK_WORDS - STACK_INNERMOST);

	if (!put_word(stack, words, i, at))
		return false;
	words->left_out++;
	return true;
}

/* Whether there is nothing above it, whatever the table says */
static bool is_beginning(u64 ip)
{
	const struct code_range *beginnings = island.config.stacks.beginnings;
	u32 i;

	for (i = 0; i < STACK_BEGINNINGS; i++) {
		if (ip - beginnings[i].va < beginnings[i].size)
			return true;
	}
	return false;
}

/**
 * stack_walk() - note where a stack says that it goes on
 * @stack: the stack
 * @frame: where to begin; changed
 * @words: the words that the callers' frames are found by are added
 * @which: all of these, or not
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: whether that was all of it. It is not where the kernel's tables end:
 * in code that was made at run time, behind a tracer that has a function return
 * to itself, and where there are more frames than have room: then, of all words, the
 * outermost are there, too.
 */
bool stack_walk(struct stack *stack, struct unwind_frame *frame,
		struct stack_words *words, enum stack_walk_words which)
{
	const struct unwind_memory memory = { read_stack, stack };
	enum unwind_kind kind;
	struct unwind_rule rule;
	struct unwind_step step;
	u32 first = words->nr, i;

	for (;;) {
		if (is_beginning(frame->ip))
			return !words->left_out;
		if (!find_rule(stack->vcpu, frame, &rule))
			return false;
		kind = unwind_step(&rule, &memory, frame, &step);
		if (kind <= UNWIND_END)
			return kind == UNWIND_END && !words->left_out;
		if (kind != UNWIND_CALL && which == STACK_WALK_CALLS) {
			/* Nor the RBP that it has saved */
			frame->bp_at = 0;
			continue;
		}
		for (i = 0; i < step.nr; i++) {
			if (stack_note(stack, words, step.at[i]))
				sort_last(words, first);
			else if (which != STACK_WALK_ALL ||
				 !note_outer(stack, words, step.at[i]))
				return false;
		}
	}
}

/**
 * stack_unwind_request() - learn how to unwind through a module's code
 * @vcpu: the CPU
 * @va: the guest's address of a struct unwind_request
 *
 * Once for each module. Its table has to be sealed, which is looked at whenever
 * something is read from it.
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EFAULT; -EINVAL where no region of code begins; -EEXIST.
 */
int stack_unwind_request(struct vcpu *vcpu, u64 va)
{
	struct unwind_request q;
	struct region *region;

	if (guest_read(vcpu, va, &q, sizeof(q)))
		return -EFAULT;
	region = region_from(q.text);
	if (!region || region->class != CLASS_CODE)
		return -EINVAL;
	if (region->nr_unwind)
		return -EEXIST;
	region->unwind_ips = q.ips;
	region->unwind_rules = q.rules;
	__atomic_store_n(&region->nr_unwind, q.nr, __ATOMIC_RELEASE);
	return 0;
}
