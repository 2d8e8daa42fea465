// SPDX-License-Identifier: GPL-2.0
/*
 * Symbols, page-table entries, and ways to write where one must not
 *
 * What a guard may refuse goes past a fix-up: the attack says so, then, and
 * nothing of Linux is left halfway.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/processor.h>

#include "../../../module/compat.h"
#include "attack_module.h"
#include "lookup.h"

#define LEVEL_BITS	9

static u64 lookup_name;

int attack_symbols_init(void)
{
	return find_function("kallsyms_lookup_name", &lookup_name);
}

/* "name", or "module:name"; 0 when there is none */
u64 attack_symbol(const char *name)
{
	return attack_call(lookup_name, (u64)name, 0, 0, 0);
}

/* With PTI the kernel's copy of the top-level entry of user space has NX. */
u64 *attack_top_entry(u64 address)
{
	u64 table = __read_cr3() & ENTRY_FRAME;
	unsigned int shift = raw_read_cr4() & X86_CR4_LA57 ? 48 : 39;

	return (u64 *)__va(table) + ((address >> shift) & 511);
}

/*
 * The entry that maps an address in this CPU's tables, where that leads, and
 * its level: 1 for 4 KiB, 2 for 2 MiB, and so on. NULL when it is not mapped.
 */
u64 *attack_entry(u64 address, u64 *physical, unsigned int *level)
{
	u64 table = __read_cr3() & ENTRY_FRAME;
	unsigned int l = raw_read_cr4() & X86_CR4_LA57 ? 5 : 4;
	u64 *entry, mask;
	unsigned int shift;

	for (;; l--) {
		shift = PAGE_SHIFT + LEVEL_BITS * (l - 1);
		entry = (u64 *)__va(table) +
			((address >> shift) & ((1 << LEVEL_BITS) - 1));
		if (!(*entry & _PAGE_PRESENT))
			return NULL;
		if (l == 1 || (l <= 3 && *entry & _PAGE_PSE))
			break;
		table = *entry & ENTRY_FRAME;
	}
	mask = (1ULL << shift) - 1;
	*physical = (*entry & ENTRY_FRAME & ~mask) | (address & mask);
	*level = l;
	return entry;
}

/* The same in an entry of its own, for which the kernel splits a large page */
u64 *attack_own_entry(u64 address, u64 *physical)
{
	unsigned int level;
	u64 *entry = attack_entry(address, physical, &level);

	if (!entry || level == 1)
		return entry;
	attack_call(attack_symbol("set_memory_4k"), address & PAGE_MASK, 1, 0, 0);
	entry = attack_entry(address, physical, &level);
	return level == 1 ? entry : NULL;
}

/* One instruction. 0 or -EFAULT. */
int attack_store(void *to, const void *from, size_t size)
{
	int err = -EFAULT;

	if (size == 1)
		asm volatile("1: movb %2, %1\n\txor %0, %0\n2:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : "+r" (err), "=m" (*(u8 *)to)
			     : "q" (*(const u8 *)from) : "memory");
	else if (size == 8)
		asm volatile("1: movq %2, %1\n\txor %0, %0\n2:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : "+r" (err), "=m" (*(u64 *)to)
			     : "r" (*(const u64 *)from) : "memory");
	else
		asm volatile("1: rep movsb\n\txor %0, %0\n2:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : "+r" (err), "+D" (to), "+S" (from), "+c" (size)
			     : : "memory");
	return err;
}

static void flush_address(u64 address)
{
	asm volatile("invlpg (%0)" : : "r" (address) : "memory");
}

/* Only this CPU hears of it: interrupts are off until it is set back. */
int attack_set_entry(u64 *entry, u64 value, u64 address)
{
	int err = attack_store(entry, &value, sizeof(value));

	flush_address(address);
	return err;
}

/*
 * With CET on, WP cannot be cleared: #GP. CET goes first, then. And where Linux
 * made a page read-only its entry is not dirty; Bochs dies of a write there.
 */
static int write_wp(void *to, const void *from, size_t size)
{
	u64 cr0 = raw_read_cr0(), cr4 = raw_read_cr4();
	unsigned int level;
	u64 *entry, old, pa;
	int err = -EFAULT;

	entry = attack_entry((u64)to, &pa, &level);
	if (!entry)
		return err;
	old = *entry;
	if (cr4 & X86_CR4_CET)
		raw_write_cr4(cr4 & ~X86_CR4_CET);
	raw_write_cr0(cr0 & ~X86_CR0_WP);
	/*
	 * Where WP stays, it ends here: an entry that is dirty and not writable
	 * is a shadow stack's to Linux, so it would take the fault that comes
	 * for a spurious one, for ever.
	 */
	if (raw_read_cr0() & X86_CR0_WP)
		return err;
	if (!(old & _PAGE_DIRTY))
		attack_set_entry(entry, old | _PAGE_DIRTY, (u64)to);
	if (*entry & _PAGE_DIRTY)
		err = attack_store(to, from, size);
	if (*entry != old)
		attack_set_entry(entry, old, (u64)to);
	raw_write_cr0(cr0);
	if (cr4 & X86_CR4_CET)
		raw_write_cr4(cr4);
	return err;
}

static int write_pte(void *to, const void *from, size_t size)
{
	unsigned int level;
	u64 *entry, old, pa;
	int err;

	entry = attack_entry((u64)to, &pa, &level);
	if (!entry)
		return -EFAULT;
	old = *entry;
	if (!(old & _PAGE_RW))
		attack_set_entry(entry, old | _PAGE_RW | _PAGE_DIRTY, (u64)to);
	err = attack_store(to, from, size);
	if (*entry != old)
		attack_set_entry(entry, old, (u64)to);
	return err;
}

static int write_alias(void *to, const void *from, size_t size)
{
	unsigned int level;
	struct page *page;
	void *mapping;
	u64 pa;
	int err;

	if (!attack_entry((u64)to, &pa, &level))
		return -EFAULT;
	page = pfn_to_page(PHYS_PFN(pa));
	mapping = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!mapping)
		return -ENOMEM;
	err = attack_store(mapping + offset_in_page(to), from, size);
	vunmap(mapping);
	return err;
}

/* Within a page. 0 or a negative errno; what is there then is another thing. */
int attack_write(enum attack_way way, void *to, const void *from, size_t size)
{
	unsigned long flags;
	unsigned int level;
	int err = -EFAULT;
	u64 pa;

	if (way == WAY_ALIAS)
		return write_alias(to, from, size);

	local_irq_save(flags);
	switch (way) {
	case WAY_WP:
		err = write_wp(to, from, size);
		break;
	case WAY_DIRECT:
		if (attack_entry((u64)to, &pa, &level))
			err = write_pte(__va(pa), from, size);
		break;
	case WAY_PTE:
		err = write_pte(to, from, size);
		break;
	default:
		err = attack_store(to, from, size);
		break;
	}
	local_irq_restore(flags);
	return err;
}

/* Write, look, and write what was there before. */
void attack_overwrite(struct attack_request *q, enum attack_way way, void *to,
		      const void *from, size_t size)
{
	u8 old[ATTACK_BYTES];
	int err;

	if (size > sizeof(old) || offset_in_page(to) + size > PAGE_SIZE)
		return;
	memcpy(old, to, size);
	err = attack_write(way, to, from, size);
	if (memcmp(to, old, size)) {
		attack_write(way, to, old, size);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = err ? ATTACK_RAISED_FAULT : ATTACK_HAD_NO_EFFECT;
	}
}
