// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: /sys/kernel/carapace/returns/
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "guarded.h"
#include "island_load.h"

static ssize_t change(int (*how)(const char *name), const char *file,
		      const char *buf, size_t count)
{
	char name[MODULE_NAME_LEN];
	char *word;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (count >= sizeof(name))
		return -EINVAL;
	memcpy(name, buf, count);
	name[count] = '\0';
	word = strim(name);
	err = *word && !strpbrk(word, " \t\n") ? how(word) : -EINVAL;
	if (err == -ENOENT || err == -EINVAL)
		pr_notice("returns/%s: '%.16s' is no module's name\n", file,
			  word);
	return err ? : count;
}

static ssize_t guard_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	return change(guarded_add, "guard", buf, count);
}

static ssize_t unguard_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	return change(guarded_remove, "unguard", buf, count);
}

struct page_text {
	char *buf;
	ssize_t len;
};

static int add_name(const struct guarded *g, void *data)
{
	struct page_text *text = data;

	text->len += sysfs_emit_at(text->buf, text->len, "%s\n", g->mod->name);
	return 0;
}

static ssize_t modules_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	struct page_text text = { .buf = buf };

	if (guarded_all())
		text.len = sysfs_emit(buf, "*\n");
	guarded_walk(add_name, &text);
	return text.len;
}

/* A module each line: what is covered, and how many of what is not for which reason */
struct tally {
	u32 sites;
	u32 by_state[RETURN_STATE_COUNT];
};

static void count(const struct guarded *g, struct tally *t)
{
	const struct return_functions *f = &g->functions;
	enum return_state state;
	u32 i;

	t->sites = f->nr_sites;
	for (i = 0; i < f->nr_sites; i++) {
		state = f->sites[i].state;
		if (state == RETURN_GUARDED && !guarded_site_patched(g, i))
			state = RETURN_CHANGED;
		t->by_state[state]++;
	}
}

static int add_coverage(const struct guarded *g, void *data)
{
	const struct return_functions *f = &g->functions;
	struct page_text *text = data;
	struct tally t = { .sites = 0 };

	count(g, &t);
	text->len += sysfs_emit_at(text->buf, text->len,
				   "%s functions %u of %u returns %u of %u untraceable %u shared %u changed %u\n",
				   g->mod->name, f->nr_entries,
				   f->nr_entries + f->nr_shared,
				   t.by_state[RETURN_GUARDED], t.sites,
				   t.by_state[RETURN_NO_ENTRY],
				   t.by_state[RETURN_SHARED],
				   t.by_state[RETURN_CHANGED]);
	return 0;
}

static ssize_t coverage_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	struct page_text text = { .buf = buf };

	guarded_walk(add_coverage, &text);
	return text.len;
}

static struct kobj_attribute guard_attr = __ATTR(guard, 0200, NULL, guard_store);
static struct kobj_attribute unguard_attr =
	__ATTR(unguard, 0200, NULL, unguard_store);
static struct kobj_attribute modules_attr = __ATTR_RO(modules);
static struct kobj_attribute coverage_attr = __ATTR_RO(coverage);

static struct attribute *guarded_attrs[] = {
	&guard_attr.attr,
	&unguard_attr.attr,
	&modules_attr.attr,
	&coverage_attr.attr,
	NULL,
};

const struct attribute_group guarded_group = {
	.name = "returns",
	.attrs = guarded_attrs,
};
