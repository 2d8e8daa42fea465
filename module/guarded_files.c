// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: /sys/kernel/carapace/returns/
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "guarded.h"
#include "guarded_returns.h"
#include "island_load.h"
#include "reasons.h"

/* What the log says of names. Of the rest the module's guard has told (guarded.c). */
static const struct reason reasons[] = {
	{ -ENOENT, "is no module that is loaded, or not a guarded one" },
	{ -EINVAL, "is no module's name" },
	{ -EEXIST, "is guarded already" },
	{ -EBADF, "is Carapace itself, which nobody guards" },
	{ -ESHUTDOWN, "comes while Carapace is not ready, or leaves" },
	{ -EPERM, "stays guarded: the policy is locked until the next boot" },
};

static void say_why(const char *file, const char *word, int err)
{
	const char *why = reason_of(reasons, ARRAY_SIZE(reasons), err);

	/* What stands there may be anything; it is to be one line. */
	if (why)
		pr_notice("returns/%s: '%*pE' %s\n", file,
			  (int)strnlen(word, 16), word, why);
}

/* A name, with or without a newline; nothing else is one, as in policy/ */
static int change(int (*how)(const char *name), const char *text, size_t count,
		  char name[MODULE_NAME_LEN])
{
	const char *end;

	if (count && text[count - 1] == '\n')
		count--;
	/* For the log, if it is none */
	strscpy(name, text, min_t(size_t, count + 1, MODULE_NAME_LEN));
	for (end = name; isgraph(*end); end++)
		;
	if (!count || end != name + count)
		return -EINVAL;
	return how(name);
}

static ssize_t guard_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	char name[MODULE_NAME_LEN];
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = change(guarded_add, buf, count, name);
	if (err == -EPERM)
		return err;
	say_why("guard", name, err);
	return err == -EBADF ? -EINVAL : err ? : count;
}

static ssize_t unguard_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	char name[MODULE_NAME_LEN];
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* As of what is weaker in policy/ */
	err = security_locked_down(LOCKDOWN_MODULE_PARAMETERS);
	if (err) {
		pr_notice("returns/unguard: nothing is unguarded: the kernel is locked down\n");
		return err;
	}
	err = change(guarded_remove, buf, count, name);
	say_why("unguard", name, err);
	return err ? : count;
}

/* Lines, of which there may be more than a page holds */
#define LINE_MAX	256

/* As many may come while they are counted */
#define LINES_SPARE	8

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static __printf(2, 3) void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (text->len < text->size)
		text->len += vscnprintf(text->buf + text->len,
					text->size - text->len, format, args);
	va_end(args);
}

static int count_module(const struct guarded *g, void *nr)
{
	(*(u32 *)nr)++;
	return 0;
}

/*
 * Made anew for each piece that is read; a line may be missing, or be there twice.
 * @count_lines: adds to how many lines there are, at most
 * @add_lines: adds a module's lines to a struct text
 */
static ssize_t read_text(const char *head,
			 int (*count_lines)(const struct guarded *g, void *nr),
			 int (*add_lines)(const struct guarded *g, void *text),
			 char *buf, loff_t at, size_t count)
{
	struct text text = { .len = 0 };
	ssize_t ret;
	u32 nr = 0;

	guarded_walk(count_lines, &nr);
	text.size = (nr + LINES_SPARE) * LINE_MAX;
	text.buf = kvmalloc(text.size, GFP_KERNEL);
	if (!text.buf)
		return -ENOMEM;
	add(&text, "%s", head);
	guarded_walk(add_lines, &text);
	ret = memory_read_from_buffer(buf, count, &at, text.buf, text.len);
	kvfree(text.buf);
	return ret;
}

static int add_name(const struct guarded *g, void *text)
{
	add(text, "%s\n", g->name);
	return 0;
}

static ssize_t modules_read(struct file *file, struct kobject *kobj,
			    COMPAT_BIN_ATTRIBUTE *attr, char *buf, loff_t at,
			    size_t count)
{
	return read_text(guarded_all() ? "*\n" : "", count_module, add_name, buf,
			 at, count);
}

/* A module each line: what is covered, and how many of what is not for which reason */
struct tally {
	u32 returns;
	u32 jumps;
	u32 jumps_guarded;
	u32 by_state[RETURN_STATE_COUNT];	/* returns */
};

static enum return_state state_of(const struct guarded *g, u32 site)
{
	enum return_state state = g->functions.sites[site].state;

	return state == RETURN_GUARDED && !guarded_site_patched(g, site) ?
	       RETURN_CHANGED : state;
}

static void count(const struct guarded *g, struct tally *t)
{
	const struct return_functions *f = &g->functions;
	enum return_state state;
	u32 i;

	for (i = 0; i < f->nr_sites; i++) {
		state = state_of(g, i);
		if (f->sites[i].jump) {
			t->jumps++;
			t->jumps_guarded += state == RETURN_GUARDED;
		} else {
			t->returns++;
			t->by_state[state]++;
		}
	}
}

static int add_line(const struct guarded *g, void *text)
{
	const struct return_functions *f = &g->functions;
	struct tally t = { .returns = 0 };

	count(g, &t);
	add(text,
	    "%s functions %u of %u returns %u of %u untraceable %u shared %u changed %u jumps %u of %u\n",
	    g->name, f->nr_entries, f->nr_entries + f->nr_shared,
	    t.by_state[RETURN_GUARDED], t.returns, t.by_state[RETURN_NO_ENTRY],
	    t.by_state[RETURN_SHARED], t.by_state[RETURN_CHANGED],
	    t.jumps_guarded, t.jumps);
	return 0;
}

static ssize_t coverage_read(struct file *file, struct kobject *kobj,
			     COMPAT_BIN_ATTRIBUTE *attr, char *buf, loff_t at,
			     size_t count)
{
	return read_text("", count_module, add_line, buf, at, count);
}

/* A return, or a jump, each line that is not guarded, and why */
static int count_uncovered(const struct guarded *g, void *nr)
{
	struct tally t = { .returns = 0 };

	count(g, &t);
	*(u32 *)nr += t.returns - t.by_state[RETURN_GUARDED] +
		      t.jumps - t.jumps_guarded;
	return 0;
}

static int add_uncovered(const struct guarded *g, void *text)
{
	static const char * const why[] = {
#define X(constant, text) [RETURN_##constant] = text,
		RETURN_STATES(X)
#undef X
	};
	const struct return_functions *f = &g->functions;
	enum return_state state;
	u32 i;

	for (i = 0; i < f->nr_sites; i++) {
		state = state_of(g, i);
		if (state != RETURN_GUARDED)
			add(text, "%s %pS: %s%s\n", g->name,
			    (void *)(f->text + f->sites[i].offset),
			    f->sites[i].jump ? "jump: " : "", why[state]);
	}
	return 0;
}

static ssize_t uncovered_read(struct file *file, struct kobject *kobj,
			      COMPAT_BIN_ATTRIBUTE *attr, char *buf, loff_t at,
			      size_t count)
{
	return read_text("", count_uncovered, add_uncovered, buf, at, count);
}

static struct kobj_attribute guard_attr = __ATTR(guard, 0200, NULL, guard_store);
static struct kobj_attribute unguard_attr =
	__ATTR(unguard, 0200, NULL, unguard_store);

static struct attribute *guarded_attrs[] = {
	&guard_attr.attr,
	&unguard_attr.attr,
	NULL,
};

static COMPAT_BIN_ATTRIBUTE modules_attr = __BIN_ATTR_RO(modules, 0);
static COMPAT_BIN_ATTRIBUTE coverage_attr = __BIN_ATTR_RO(coverage, 0);
/* Not for all to read: it takes a look at each symbol for each line, each time. */
static COMPAT_BIN_ATTRIBUTE uncovered_attr =
	__BIN_ATTR(uncovered, 0400, uncovered_read, NULL, 0);

static COMPAT_BIN_ATTRIBUTE_LIST guarded_texts[] = {
	&modules_attr,
	&coverage_attr,
	&uncovered_attr,
	NULL,
};

const struct attribute_group guarded_group = {
	.name = "returns",
	.attrs = guarded_attrs,
	.bin_attrs = guarded_texts,
};
