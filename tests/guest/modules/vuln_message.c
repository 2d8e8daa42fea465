// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that are copied to a buffer on the stack, too long or not
 *
 * Byte by byte, as parsers do it: neither memcpy()'s checks nor those of
 * copy_from_user() see that. The buffer's address is hidden from the compiler,
 * which would make use of where it ends.
 */
#include <linux/capability.h>
#include <linux/compiler.h>
#include <linux/uaccess.h>

#include "../../../module/compat.h"
#include "vuln_module.h"

/* A message in kernel memory */
struct copy {
	const u8 *in;
	u8 *out;
	u64 in_size;
	u64 out_size;
};

/* Not by the pointer, once the stack is no longer what it was */
static __always_inline u64 parse(const struct copy *p)
{
	u8 buffer[VULN_BUFFER] = { 0 }, *at = buffer;
	const struct copy c = *p;
	u64 i, sum = 0;

	OPTIMIZER_HIDE_VAR(at);
	for (i = 0; i < c.in_size; i++)
		at[i] = c.in[i];
	for (i = 0; i < sizeof(buffer); i++)
		sum += at[i];
	for (i = 0; i < c.out_size; i++)
		c.out[i] = at[i];
	return sum;
}

/*
 * With something in all registers that a callee has to save, as functions with
 * more to do have: the caller's lie behind the buffer, then.
 */
static noinline COMPAT_NO_CANARY u64 vuln_parse_plain(const struct copy *c)
{
	asm volatile("" : : : "rbx", "rbp", "r12", "r13", "r14", "r15");
	return parse(c);
}

static noinline u64 vuln_parse_canary(const struct copy *c)
{
	return parse(c);
}

/* Only indices say where. */
static noinline u64 vuln_parse_scatter(const struct copy *p)
{
	const struct copy c = *p;
	const struct vuln_word *word = (const void *)c.in;
	u64 table[VULN_BUFFER / sizeof(u64)] = { 0 }, *at = table;
	u64 i, sum = 0;

	OPTIMIZER_HIDE_VAR(at);
	for (i = 0; i < c.in_size / sizeof(*word); i++)
		at[word[i].index] = word[i].value;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		sum += at[i];
	for (i = 0; i < c.out_size / sizeof(u64); i++)
		((u64 *)c.out)[i] = at[i];
	return sum;
}

/*
 * Administrators get what only administrators get. It begins at a cache line, so
 * that most of it can be reached by changing a return address's last byte.
 */
static noinline __aligned(64) u64 vuln_receive_plain(const struct copy *c)
{
	u64 sum = vuln_parse_plain(c);

	if (capable(CAP_SYS_ADMIN) && !sum)
		vuln_grant();
	return sum;
}

static noinline __aligned(64) u64 vuln_receive_canary(const struct copy *c)
{
	u64 sum = vuln_parse_canary(c);

	if (capable(CAP_SYS_ADMIN) && !sum)
		vuln_grant();
	return sum;
}

/* What was found out before is in a register meanwhile. */
static noinline u64 vuln_receive_level(const struct copy *c)
{
	u64 sum, level = VULN_LEVEL_USER;

	if (capable(CAP_SYS_ADMIN))
		level = VULN_LEVEL_ADMIN;
	OPTIMIZER_HIDE_VAR(level);
	sum = vuln_parse_plain(c);
	if (level == VULN_LEVEL_ADMIN && !sum)
		vuln_grant();
	return sum;
}

/* A frame of variable size: its end is where RBP says. */
static noinline COMPAT_NO_CANARY u64
vuln_receive_frame(const struct copy *c)
{
	u8 *scratch = __builtin_alloca(c->in_size % VULN_BUFFER + 1);

	OPTIMIZER_HIDE_VAR(scratch);
	scratch[0] = 0;
	barrier_data(scratch);
	return vuln_parse_plain(c) + 1;
}

static noinline u64 vuln_receive_scatter(const struct copy *c)
{
	u64 sum = vuln_parse_scatter(c);

	return sum + 1;
}

long vuln_message(struct vuln_file *file, struct vuln_message *m)
{
	struct copy c = {
		.in = file->in,
		.out = file->out,
		.in_size = m->in_size,
		.out_size = m->out_size,
	};

	if (m->in_size > VULN_BYTES || m->out_size > VULN_BYTES)
		return -E2BIG;
	if (copy_from_user(file->in, (void __user *)m->in, m->in_size))
		return -EFAULT;

	switch (m->handler) {
	case VULN_PLAIN:
		m->sum = vuln_receive_plain(&c);
		break;
	case VULN_CANARY:
		m->sum = vuln_receive_canary(&c);
		break;
	case VULN_LEVEL:
		m->sum = vuln_receive_level(&c);
		break;
	case VULN_FRAME:
		m->sum = vuln_receive_frame(&c);
		break;
	case VULN_SCATTER:
		m->sum = vuln_receive_scatter(&c);
		break;
	default:
		return -EINVAL;
	}
	if (copy_to_user((void __user *)m->out, file->out, m->out_size))
		return -EFAULT;
	return 0;
}
