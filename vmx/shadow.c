// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the memory of the return addresses' shadow
 *
 * It is Linux's memory, given in pieces of 2 MiB, so that EPT maps it large in
 * both views, and so that it is there on a CPU that is bare, too: such a CPU
 * stores by itself. In the guard view it can only be read.
 *
 * The window, through which the stubs see it, is Linux's address space, with
 * tables of root's in the same memory. Only the entries at the top lie in a table
 * of Linux's; that page is write-protected, and of what Linux writes there
 * nothing may touch them. EPT guards frames, not addresses: who makes a top-level
 * table of his own, or changes an entry in a process's, leads that process's
 * stubs elsewhere. They cannot store there, and root looks whether it is so
 * whenever it is asked (shadow_is_seen()); but what is only compared there is not
 * noticed.
 *
 * A stack gets its shadow page by page, when it is first needed. The page stays
 * until memory is short: Linux has new stacks where old ones were, once it has
 * flushed the old ones' addresses, which it does when there are enough of them
 * (lazy_max_pages() in mm/vmalloc.c). When memory is short those pages go that
 * belong to addresses where nothing is mapped any more.
 *
 * Where there is none even so, what could not be stored is not known when it is asked
 * for, and memory may have come by then. So it is noted that something was missed, in
 * the entry that would lead to that page, or record; of 2 MiB of stacks together, where
 * there is no table for that entry either. A page that is made later says it of each
 * word that a function further out may have missed, until something is stored there;
 * and of a record it is true until its task goes on, or has one.
 *
 * Who fills memory on purpose has all of this while it is full, for everybody. Later he
 * has it where calls and tasks of that time still are, or have been and none came since.
 * What a call has stored is compared as ever; and whoever goes on elsewhere finds a
 * place where nothing was missed, but for a stack that he has had Linux give him there.
 */
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "seal.h"
#include "shadow.h"
#include "shootdown.h"
#include "stack_lock.h"
#include "stub_words.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

/* Linux's _KERNPG_TABLE: accessed and dirty beforehand, so that no walk writes */
#define TABLE_FLAGS	(PTE_P | PTE_RW | PTE_A | PTE_D)
#define PAGE_FLAGS	(TABLE_FLAGS | PTE_NX)

/* As an entry: there was no memory for what it is for; not present, and no record */
#define ENTRY_MISSED	BIT_ULL(9)

/* A level-3 entry's reach; the window is made of such */
#define WINDOW_PART	SIZE_1G
#define WINDOW_PARTS	(WINDOW_SIZE / WINDOW_PART)
#define TOP_LEVEL	3

/* Few enough that the guest half is asked for more */
#define LOW_PAGES	64

static u64 window(void)
{
	return island.config.returns.window;
}

static u64 read_entry(struct vcpu *vcpu, u64 pa)
{
	return *(volatile u64 *)window_at(vcpu, pa);
}

static void write_entry(struct vcpu *vcpu, u64 pa, u64 entry)
{
	*(volatile u64 *)window_at(vcpu, pa) = entry;
}

/* Where an entry at the window's top lies, in Linux's table */
static bool top_entry(struct vcpu *vcpu, u64 va, u64 *pa)
{
	return guest_walk_entry(vcpu, va, TOP_LEVEL, pa);
}

/**
 * shadow_init() - make the view in which the shadow can be written
 *
 * Nothing else can, and nothing can be run but the stub.
 *
 * Context: island_init(), with Linux's memory mapped and the pool hidden.
 *
 * Return: 0 or -ENOMEM.
 */
int shadow_init(void)
{
	void *list;
	int err;

	if (!(island.config.controls.secondary & SECONDARY_ENABLE_VMFUNC))
		return 0;
	island.eptp_list_pa = table_pool_alloc(&island.config.pool, &list);
	if (!island.eptp_list_pa)
		return -ENOMEM;
	err = ept_share_readonly(&island.shadow_view, &island.ept);
	if (!err)
		err = ept_grant(&island.shadow_view,
				island.config.returns.stub_pa, EPT_LEVEL_4K,
				EPT_READ | EPT_EXEC);
	if (err)
		return err;
	((u64 *)list)[VIEW_GUARD] = ept_pointer(&island.ept);
	((u64 *)list)[VIEW_SHADOW] = ept_pointer(&island.shadow_view);
	return 0;
}

static bool has_view(void)
{
	return island.eptp_list_pa;
}

/*
 * Where the window's entries lie, in Linux's tables. They are found by the page
 * tables of who asks, so each has to be in ordinary memory that nothing is known of:
 * else any page could be made one that Linux may write to, but for these entries.
 * Looked up once: the tables may be others the next time.
 */
static int find_tables(struct vcpu *vcpu)
{
	u64 pa;
	u32 i;

	for (i = 0; i < WINDOW_PARTS; i++) {
		if (!top_entry(vcpu, window() + i * WINDOW_PART, &pa) ||
		    !seal_is_memory(pa) ||
		    ept_class(&island.ept, pa) != CLASS_DATA)
			return -EFAULT;
		island.window_entry[i] = pa;
	}
	return 0;
}

/* The pages that they are in: no longer Linux's to change, or again */
static int guard_tables(enum page_class class)
{
	u64 page = 0;
	u32 i;
	int err = 0;

	for (i = 0; !err && i < WINDOW_PARTS; i++) {
		if ((island.window_entry[i] & ~(PAGE_SIZE - 1)) == page)
			continue;
		page = island.window_entry[i] & ~(PAGE_SIZE - 1);
		err = seal_set_class(page, page + PAGE_SIZE, class);
	}
	return err;
}

/**
 * shadow_table_write_legal() - whether a write leaves the window's entries alone
 * @pa: physical address of the first byte that changes
 * @size: to the last one
 *
 * Context: root, with the lock; for a page of class TABLE.
 */
bool shadow_table_write_legal(u64 pa, u32 size)
{
	const struct shadow *s = &island.shadow;
	u32 i;

	for (i = 0; i < WINDOW_PARTS && s->open; i++) {
		if (pa < island.window_entry[i] + sizeof(u64) &&
		    island.window_entry[i] < pa + size)
			return false;
	}
	return s->open && (pa ^ island.config.idt_pa) >> PAGE_SHIFT;
}

static int open_window(struct vcpu *vcpu)
{
	int err = find_tables(vcpu);

	if (err)
		return err;
	err = guard_tables(CLASS_TABLE);
	if (err) {
		guard_tables(CLASS_DATA);
		return err;
	}
	/* Pairs with window_entry(): where the entries are is known by then. */
	__atomic_store_n(&island.shadow.open, true, __ATOMIC_RELEASE);
	stub_words_set(vcpu);
	return 0;
}

/* No stub is in use any more: Linux's table is as it was. */
static void close_window(struct vcpu *vcpu)
{
	struct shadow *s = &island.shadow;
	u32 i;

	for (i = 0; i < WINDOW_PARTS; i++) {
		if (shadow_owns(read_entry(vcpu, island.window_entry[i]) &
				PTE_ADDR_MASK))
			write_entry(vcpu, island.window_entry[i], 0);
	}
	guard_tables(CLASS_DATA);
	s->open = false;
	memset(s->nr_free, 0, sizeof(s->nr_free));
	memset(s->next, 0, sizeof(s->next));
	memset(s->missed, 0, sizeof(s->missed));
	s->nr_without = 0;
	island.boot_stack_record = 0;
}

/*
 * Also without the lock. This acquire pairs with the release in shadow_give(), which
 * stores a chunk before the number that covers it: those below the number that is read
 * here are complete. One that shadow_take() is just taking stays root's until the
 * shootdown there is over, and that waits for this CPU to be through with the exit.
 */
static struct shadow_chunk *chunk_of(u64 pa)
{
	struct shadow *s = &island.shadow;
	u32 nr = __atomic_load_n(&s->nr_chunks, __ATOMIC_ACQUIRE);
	u32 i;

	for (i = 0; i < nr; i++) {
		if (pa - s->chunk[i].pa < SIZE_2M)
			return &s->chunk[i];
	}
	return NULL;
}

static int protect_chunk(u64 pa, enum page_class class, enum shadow_use use)
{
	bool writable = class == CLASS_SHADOW && use == SHADOW_STACKS;
	int err = seal_set_class(pa, pa + SIZE_2M, class);

	if (!err && has_view())
		err = ept_grant(&island.shadow_view, pa, EPT_LEVEL_2M,
				writable ? EPT_READ | EPT_WRITE : EPT_READ);
	return err;
}

static bool may_become_shadow(u64 pa)
{
	u64 at;

	for (at = pa; at < pa + SIZE_2M; at += PAGE_SIZE) {
		if (!seal_is_memory(at) ||
		    ept_class(&island.ept, at) != CLASS_DATA)
			return false;
	}
	return true;
}

/* Where not all of it was done */
static void undo_give(struct vcpu *vcpu, u64 pa, enum shadow_use use)
{
	if (ept_class(&island.ept, pa) == CLASS_SHADOW && !chunk_of(pa)) {
		protect_chunk(pa, CLASS_DATA, use);
		shootdown(vcpu);
	}
	if (island.shadow.open && !island.shadow.nr_chunks)
		close_window(vcpu);
}

/**
 * shadow_give() - take memory from Linux
 * @vcpu: the CPU
 * @pa: physical address of 2 MiB, aligned to that
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EINVAL for what is no ordinary memory; -ENOSPC; -ENOMEM; -EFAULT
 * where Linux's tables of the window are not as they should be.
 */
int shadow_give(struct vcpu *vcpu, u64 pa)
{
	struct shadow *s = &island.shadow;
	enum shadow_use use = s->nr_free[SHADOW_ROOT] < s->nr_free[SHADOW_STACKS] ?
			      SHADOW_ROOT : SHADOW_STACKS;
	int err = 0;

	if (pa % SIZE_2M || !window())
		return -EINVAL;
	if (s->nr_chunks == SHADOW_CHUNKS)
		return -ENOSPC;
	if (!s->open)
		err = open_window(vcpu);
	/* The window's tables are none, as they are guarded by now. */
	if (!err && !may_become_shadow(pa))
		err = -EINVAL;
	if (!err)
		err = protect_chunk(pa, CLASS_SHADOW, use);
	if (err) {
		undo_give(vcpu, pa, use);
		return err;
	}
	shootdown(vcpu);
	s->chunk[s->nr_chunks] = (struct shadow_chunk){ .pa = pa, .use = use };
	/* Who looks a page up does so without the lock. */
	__atomic_store_n(&s->nr_chunks, s->nr_chunks + 1, __ATOMIC_RELEASE);
	s->nr_free[use] += SHADOW_CHUNK_PAGES;
	return 0;
}

/**
 * shadow_take() - give Linux a piece of its memory back
 * @vcpu: the CPU
 * @va: the guest's address of a u64 for its physical address, or 0 where there is
 *	none left
 *
 * All of the shadow is gone with the first.
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EPERM once the policy is locked; -EBUSY while returns compare, or
 * stacks are looked at;
 * -EFAULT.
 */
int shadow_take(struct vcpu *vcpu, u64 va)
{
	struct shadow *s = &island.shadow;
	u64 pa = 0;

	if (island_locked())
		return -EPERM;
	if (island.patched_sites || island.stacks_armed)
		return -EBUSY;
	if (guest_write_word(vcpu, va, 0))
		return -EFAULT;
	if (!s->nr_chunks)
		return 0;
	if (s->open)
		close_window(vcpu);
	pa = s->chunk[--s->nr_chunks].pa;
	protect_chunk(pa, CLASS_DATA, s->chunk[s->nr_chunks].use);
	shootdown(vcpu);
	return guest_write_word(vcpu, va, pa);
}

/**
 * shadow_owns() - whether a page is the shadow's
 * @pa: any physical address in it
 *
 * Context: root, with the lock or without.
 */
bool shadow_owns(u64 pa)
{
	return chunk_of(pa);
}

/* Whether there may be too little for a stack */
static bool is_full(void)
{
	const u32 *nr_free = island.shadow.nr_free;

	return nr_free[SHADOW_STACKS] < TOP_LEVEL || nr_free[SHADOW_ROOT] < TOP_LEVEL;
}

static u64 claim_page(struct shadow_chunk *chunk)
{
	u32 word, bit;

	for (word = 0; word < ARRAY_SIZE(chunk->used); word++) {
		if (!~chunk->used[word])
			continue;
		bit = __builtin_ctzll(~chunk->used[word]);
		chunk->used[word] |= BIT_ULL(bit);
		return chunk->pa + (word * 64 + bit) * PAGE_SIZE;
	}
	return 0;
}

/* All words from there to the page's end */
static void fill(struct vcpu *vcpu, u64 pa, u64 word)
{
	u64 *page = window_map(vcpu, pa);
	u32 i;

	for (i = pa % PAGE_SIZE / sizeof(*page); i < PAGE_SIZE / sizeof(*page); i++)
		page[i] = word;
}

/**
 * shadow_page() - a page of the shadow's memory
 * @vcpu: the CPU
 * @use: what for
 *
 * The guest half learns from struct island_public how many are left.
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, zeroed, or 0.
 */
u64 shadow_page(struct vcpu *vcpu, enum shadow_use use)
{
	struct shadow *s = &island.shadow;
	u64 pa = 0;
	u32 i;

	for (i = 0; !pa && s->nr_free[use] && i < s->nr_chunks; i++) {
		if (s->chunk[s->next[use]].use == use)
			pa = claim_page(&s->chunk[s->next[use]]);
		if (!pa)
			s->next[use] = (s->next[use] + 1) % s->nr_chunks;
	}
	if (!pa)
		return 0;
	s->nr_free[use]--;
	fill(vcpu, pa, 0);
	/* The guest half is to give more before there is none. */
	if (s->nr_free[use] == LOW_PAGES) {
		island.config.public->shadow_low++;
		__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
	}
	return pa;
}

/**
 * shadow_page_free() - it is not used any more
 * @pa: from shadow_page(); mapped nowhere, and cached by no CPU
 *
 * Context: root, with the lock.
 */
void shadow_page_free(u64 pa)
{
	struct shadow_chunk *chunk = chunk_of(pa);
	u32 page;

	if (!chunk)
		return;
	page = (pa - chunk->pa) / PAGE_SIZE;
	chunk->used[page / 64] &= ~BIT_ULL(page % 64);
	island.shadow.nr_free[chunk->use]++;
}

static u64 in_memory(struct shadow_word word)
{
	return word.address | (u64)word.function << 32;
}

/* Where the shadow of a stack's word lies */
static u64 shadow_of(u64 stack)
{
	return window() + (stack - island.config.returns.stacks);
}

/* What a last-level table is for: its number in the window */
static u64 area_of(u64 va)
{
	return (va - window()) / SIZE_2M;
}

/* Without the lock, too: what is set stays, and is asked for where there is no table. */
static bool area_missed(u64 va)
{
	const u64 *word = &island.shadow.missed[area_of(va) / 64];

	return __atomic_load_n(word, __ATOMIC_RELAXED) & BIT_ULL(area_of(va) % 64);
}

/* Of the level below @level. Before it is linked, a last-level one has what is known. */
static u64 make_table(struct vcpu *vcpu, u64 va, int level)
{
	u64 pa = shadow_page(vcpu, SHADOW_ROOT);

	if (pa && level == 2 && area_missed(va))
		fill(vcpu, pa, ENTRY_MISSED);
	return pa;
}

/* The last-level entry for an address in the window, with tables made on the way */
static bool window_entry(struct vcpu *vcpu, u64 va, bool make, u64 *pa)
{
	u64 entry;
	int level;

	if (!__atomic_load_n(&island.shadow.open, __ATOMIC_ACQUIRE))
		return false;
	*pa = island.window_entry[(va - window()) / WINDOW_PART];
	for (level = TOP_LEVEL; level > 1; level--) {
		entry = read_entry(vcpu, *pa);
		if (!(entry & PTE_P)) {
			entry = make ? make_table(vcpu, va, level) : 0;
			if (!entry)
				return false;
			entry |= TABLE_FLAGS;
			write_entry(vcpu, *pa, entry);
		}
		if (!shadow_owns(entry & PTE_ADDR_MASK))
			return false;
		*pa = (entry & PTE_ADDR_MASK) +
		      (va >> (12 + 9 * (level - 2)) & 511) * sizeof(u64);
	}
	return true;
}

/*
 * There is no memory for what an address in the window is for, or nothing is missed. As
 * long as there is any for a table, it says so of that alone.
 */
static void set_missed(struct vcpu *vcpu, u64 va, bool missed)
{
	const u64 from = missed ? 0 : ENTRY_MISSED, to = missed ? ENTRY_MISSED : 0;
	u64 pa;

	if (window_entry(vcpu, va, missed, &pa)) {
		if (read_entry(vcpu, pa) == from)
			write_entry(vcpu, pa, to);
	} else if (missed) {
		__atomic_or_fetch(&island.shadow.missed[area_of(va) / 64],
				  BIT_ULL(area_of(va) % 64), __ATOMIC_RELAXED);
	}
}

static bool is_missed(struct vcpu *vcpu, u64 va)
{
	u64 pa;

	return window_entry(vcpu, va, false, &pa) ?
	       read_entry(vcpu, pa) == ENTRY_MISSED : area_missed(va);
}

static bool in_window(u64 stack)
{
	return stack - island.config.returns.stacks < WINDOW_SIZE;
}

/**
 * shadow_is_beyond() - whether Linux may have a stack there that the window cannot cover
 * @stack: an address
 *
 * That takes more of Linux's addresses in use than the window covers; else nothing is
 * there. Such a stack has no shadow and no record.
 *
 * Context: root.
 */
bool shadow_is_beyond(u64 stack)
{
	const struct returns_config *c = &island.config.returns;

	return stack >= c->stacks && stack < c->stacks_end && !in_window(stack);
}

/* The frame of a stack's shadow, at the word */
static u64 frame(struct vcpu *vcpu, u64 stack)
{
	u64 pa, entry;

	if (!in_window(stack) ||
	    !window_entry(vcpu, shadow_of(stack), false, &pa))
		return 0;
	entry = read_entry(vcpu, pa);
	if (!(entry & PTE_P) || !shadow_owns(entry & PTE_ADDR_MASK))
		return 0;
	return (entry & PTE_ADDR_MASK) + stack % PAGE_SIZE;
}

/**
 * shadow_has() - whether there is a shadow of a word
 * @vcpu: the CPU
 * @stack: the word's address
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool shadow_has(struct vcpu *vcpu, u64 stack)
{
	return frame(vcpu, stack);
}

/**
 * shadow_is_seen() - whether the page tables in use show a word's shadow
 * @vcpu: the CPU
 * @stack: the word's address
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether the stubs see what root does; not where there is no shadow.
 */
bool shadow_is_seen(struct vcpu *vcpu, u64 stack)
{
	u64 pa = frame(vcpu, stack);
	struct guest_mapping m;

	return pa && guest_walk(vcpu, shadow_of(stack), &m) && m.pa == pa;
}

/* A page that is about to be free: where it is mapped, and for which stack */
struct stale_page {
	u64 stack;
	u64 entry_pa;
	u64 entry;
};

#define STALE_PAGES	32

static bool is_mapped(struct vcpu *vcpu, u64 stack)
{
	struct guest_mapping m;

	return guest_walk(vcpu, stack, &m);
}

/* The page of a stack that an entry is there for */
static u64 stack_page(u64 shadowed, u64 entry)
{
	return entry & PTE_P ? shadowed : shadowed + PAGE_SIZE;
}

/*
 * From an address in the window on, the next that there is a last-level table for:
 * where its entry is. False behind the last.
 */
static bool next_entry(struct vcpu *vcpu, u64 *va, u64 *pa)
{
	u64 end = window() + WINDOW_SIZE;
	u64 top;

	while (*va < end) {
		if (window_entry(vcpu, *va, false, pa))
			return true;
		top = read_entry(vcpu, island.window_entry[(*va - window()) /
							  WINDOW_PART]);
		*va = (*va | ((top & PTE_P ? SIZE_2M : WINDOW_PART) - 1)) + 1;
	}
	return false;
}

/* Unmaps pages whose stack Linux has freed. @looked: at as many entries */
static u32 find_stale(struct vcpu *vcpu, struct stale_page *stale, u32 *looked)
{
	u64 va, stack, pa, entry;
	u32 nr = 0;

	*looked = 0;
	for (va = window(); nr < STALE_PAGES && next_entry(vcpu, &va, &pa);
	     va += PAGE_SIZE) {
		++*looked;
		stack = va - window() + island.config.returns.stacks;
		entry = read_entry(vcpu, pa);
		if (entry & PTE_ADDR_MASK && !is_mapped(vcpu, stack_page(stack, entry))) {
			write_entry(vcpu, pa, 0);
			stale[nr++] = (struct stale_page){ stack, pa, entry };
		}
	}
	return nr;
}

/*
 * Linux may map a stack again between the look at its tables and the shootdown,
 * and what a CPU stores there then, by a translation that it has cached, must not
 * be lost. Whoever comes later waits for the lock.
 *
 * All calls ask for memory where there is none. Who has filled it must not have each of
 * them look through all of it, too: where nothing was found, as many go without.
 */
static u32 reclaim(struct vcpu *vcpu)
{
	struct stale_page stale[STALE_PAGES];
	struct shadow *s = &island.shadow;
	u32 nr, looked, i, freed = 0;

	if (s->nr_without) {
		s->nr_without--;
		return 0;
	}
	nr = find_stale(vcpu, stale, &looked);
	if (!nr) {
		s->nr_without = looked;
		return 0;
	}
	shootdown(vcpu);
	for (i = 0; i < nr; i++) {
		if (is_mapped(vcpu, stack_page(stale[i].stack, stale[i].entry))) {
			write_entry(vcpu, stale[i].entry_pa, stale[i].entry);
			continue;
		}
		if (!(stale[i].entry & PTE_P))
			stack_lock_wait(stale[i].stack + PAGE_SIZE);
		shadow_page_free(stale[i].entry & PTE_ADDR_MASK);
		freed++;
	}
	return freed;
}

/**
 * shadow_make() - have one made
 * @vcpu: the CPU
 * @stack: an address in a stack, in the window's reach
 *
 * For what is stored at @stack; what lies further in is of the past.
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether there is one now; not where there is no memory, which is noted.
 */
bool shadow_make(struct vcpu *vcpu, u64 stack)
{
	const struct shadow_word missed = { .function = SHADOW_MISSED };
	u64 pa, page = 0;

	if (shadow_has(vcpu, stack))
		return true;
	if (!in_window(stack))
		return false;
	if ((!is_full() || reclaim(vcpu)) &&
	    window_entry(vcpu, shadow_of(stack), true, &pa))
		page = shadow_page(vcpu, SHADOW_STACKS);
	if (!page) {
		set_missed(vcpu, shadow_of(stack), true);
		return false;
	}
	if (read_entry(vcpu, pa) == ENTRY_MISSED)
		fill(vcpu, page + stack % PAGE_SIZE, in_memory(missed));
	write_entry(vcpu, pa, page | PAGE_FLAGS);
	return true;
}

/**
 * shadow_missed() - whether a page has no shadow because there was no memory for it
 * @vcpu: the CPU
 * @stack: an address in it
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool shadow_missed(struct vcpu *vcpu, u64 stack)
{
	return in_window(stack) && is_missed(vcpu, shadow_of(stack));
}

/* Where the entry is that stands for the page below a stack, which has no shadow */
static bool record_entry(struct vcpu *vcpu, u64 stack, bool make, u64 *pa)
{
	return in_window(stack - PAGE_SIZE) &&
	       window_entry(vcpu, shadow_of(stack - PAGE_SIZE), make, pa);
}

/**
 * shadow_record() - the page on which root keeps what it knows of a stack
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Its physical address stands where the shadow of the guard page below the stack
 * would be mapped, as an entry that is not present. So the stubs cannot reach it,
 * and it goes when the stack does.
 *
 * Context: root, with the lock or after stack_lock(): then it stays, until that ends.
 *	Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is none.
 */
u64 shadow_record(struct vcpu *vcpu, u64 stack)
{
	u64 pa, entry;

	if (!record_entry(vcpu, stack, false, &pa))
		return 0;
	entry = read_entry(vcpu, pa);
	return entry & PTE_P || !shadow_owns(entry & PTE_ADDR_MASK) ?
	       0 : entry & PTE_ADDR_MASK;
}

/**
 * shadow_record_make() - the same, made where there is none
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is no memory.
 */
u64 shadow_record_make(struct vcpu *vcpu, u64 stack)
{
	u64 pa, page = shadow_record(vcpu, stack);

	if (page || !in_window(stack - PAGE_SIZE) ||
	    (is_full() && !reclaim(vcpu)) ||
	    !record_entry(vcpu, stack, true, &pa))
		return page;
	page = shadow_page(vcpu, SHADOW_ROOT);
	if (page)
		write_entry(vcpu, pa, page);
	return page;
}

/**
 * shadow_record_miss() - note whether something was to be kept of a stack, in vain
 * @vcpu: the CPU
 * @stack: the stack's lowest address; it has no record
 * @missed: which of the two
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void shadow_record_miss(struct vcpu *vcpu, u64 stack, bool missed)
{
	if (in_window(stack - PAGE_SIZE))
		set_missed(vcpu, shadow_of(stack - PAGE_SIZE), missed);
}

/**
 * shadow_record_missed() - whether it was
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Context: root, with the lock or after stack_lock(): that holds, then. Ends what the
 *	window showed.
 */
bool shadow_record_missed(struct vcpu *vcpu, u64 stack)
{
	return in_window(stack - PAGE_SIZE) &&
	       is_missed(vcpu, shadow_of(stack - PAGE_SIZE));
}

/**
 * shadow_record_next() - go through all of them
 * @vcpu: the CPU
 * @stack: the stack that the last one was for, or 0; changed to the next one's
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 behind the last.
 */
u64 shadow_record_next(struct vcpu *vcpu, u64 *stack)
{
	u64 va = *stack ? shadow_of(*stack) : window();
	u64 pa, record;

	while (next_entry(vcpu, &va, &pa)) {
		va += PAGE_SIZE;
		*stack = va - window() + island.config.returns.stacks;
		record = shadow_record(vcpu, *stack);
		if (record)
			return record;
	}
	return 0;
}

/**
 * shadow_read() - the shadow of a word
 * @vcpu: the CPU
 * @stack: the word's address
 * @word: set
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: false where there is none.
 */
bool shadow_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word)
{
	u64 pa = frame(vcpu, stack);

	if (!pa)
		return false;
	*word = *(struct shadow_word *)window_at(vcpu, pa);
	return true;
}

/**
 * shadow_write() - change it
 * @vcpu: the CPU
 * @stack: the word's address, aligned
 * @word: what to store
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: false where there is none.
 */
bool shadow_write(struct vcpu *vcpu, u64 stack, struct shadow_word word)
{
	u64 pa = frame(vcpu, stack);

	if (!pa || stack % sizeof(word))
		return false;
	write_entry(vcpu, pa, in_memory(word));
	return true;
}
