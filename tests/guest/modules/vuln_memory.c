// SPDX-License-Identifier: GPL-2.0
/*
 * What exploits have from other bugs: leaks, reads and writes, known addresses
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "lookup.h"
#include "vuln_module.h"

static u64 lookup_name;

int vuln_symbols_init(void)
{
	return find_function("kallsyms_lookup_name", &lookup_name);
}

/* Only sprint_symbol() tells sizes: "name+0x0/0x1c0 [module]" */
int vuln_symbol(struct vuln_symbol *s)
{
	char text[KSYM_SYMBOL_LEN], *size;
	unsigned long value = 0;

	s->name[sizeof(s->name) - 1] = 0;
	s->address = vuln_call(lookup_name, (u64)s->name, 0);
	s->size = 0;
	if (!s->address)
		return -ENOENT;
	sprint_symbol(text, s->address);
	size = strchr(text, '/');
	if (size && sscanf(size, "/0x%lx", &value) == 1)
		s->size = value;
	return 0;
}

void vuln_where(struct vuln_where *w)
{
	w->task = (u64)current;
	w->stack = (u64)task_stack_page(current);
	w->stack_size = THREAD_SIZE;
	w->pgd = (u64)current->mm->pgd;
}

static int check(const struct vuln_memory *m)
{
	if (m->size > VULN_BYTES)
		return -E2BIG;
	return m->address + m->size < m->address ? -EINVAL : 0;
}

int vuln_read(struct vuln_file *file, const struct vuln_memory *m)
{
	const u8 *from = (const u8 *)m->address;
	u64 i = 0;
	int err = check(m);

	if (err)
		return err;
	pagefault_disable();
	for (; i + sizeof(u64) <= m->size; i += sizeof(u64))
		__get_kernel_nofault(file->out + i, from + i, u64, fault);
	for (; i < m->size; i++)
		__get_kernel_nofault(file->out + i, from + i, u8, fault);
	pagefault_enable();
	return copy_to_user((void __user *)m->data, file->out, m->size) ?
	       -EFAULT : 0;
fault:
	pagefault_enable();
	return -EFAULT;
}

/* A word in one go, where it is one */
int vuln_write(struct vuln_file *file, const struct vuln_memory *m)
{
	u8 *to = (u8 *)m->address;
	u64 i = 0;
	int err = check(m);

	if (err)
		return err;
	if (copy_from_user(file->in, (void __user *)m->data, m->size))
		return -EFAULT;
	pagefault_disable();
	for (; i + sizeof(u64) <= m->size; i += sizeof(u64))
		__put_kernel_nofault(to + i, file->in + i, u64, fault);
	for (; i < m->size; i++)
		__put_kernel_nofault(to + i, file->in + i, u8, fault);
	pagefault_enable();
	return 0;
fault:
	pagefault_enable();
	return -EFAULT;
}

int vuln_allocate(struct vuln_file *file, struct vuln_allocation *a)
{
	if (a->size > VULN_BYTES || a->allocator >= VULN_ALLOCATORS)
		return -EINVAL;
	vuln_memory_release(file);
	/* As much as a stack: somewhere in it one might end. */
	if (a->allocator == VULN_VMALLOC)
		file->memory = vmalloc(THREAD_SIZE);
	else
		file->memory = kmalloc(VULN_BYTES, GFP_KERNEL);
	if (!file->memory)
		return -ENOMEM;
	if (copy_from_user(file->memory, (void __user *)a->data, a->size))
		return -EFAULT;
	a->address = (u64)file->memory;
	return 0;
}

void vuln_memory_release(struct vuln_file *file)
{
	kvfree(file->memory);
	file->memory = NULL;
}
