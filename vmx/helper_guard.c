// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the programs that the kernel itself starts, as root
 *
 * What may be started stands in root's memory. The kernel's own strings are not
 * write-protected: they share pages with whatever else the linker put there
 * (module/helper_hooks.c has what was tried). Instead nothing is started that is
 * not in the table, whoever changed a string, and through what mapping.
 *
 * That holds against whoever writes to memory and then has the kernel start
 * something. It does not against one who writes at will while it is started: the
 * name, the arguments, the environment, and the file that the name led to are
 * ordinary data from here until the program runs. The name is looked at twice,
 * before and after the kernel takes it over and opens the file, so it would have to
 * be changed twice. Nor does it against one who runs code: he starts programs in
 * other ways, and until policy/lock is on he can have root vet a value, too.
 */
#include "code.h"
#include "cpu_ops.h"
#include "ept.h"
#include "guard.h"
#include "guest_walk.h"
#include "helper_guard.h"
#include "memory.h"
#include "requests.h"
#include "seal.h"
#include "vcpu.h"

/**
 * helper_take() - take over what an administrator writes
 * @vcpu: the CPU
 * @va: the guest's address of a struct helper_write
 *
 * Context: root, with the lock.
 *
 * Return: 0, -EPERM while the policy is locked, -EFAULT, or -EINVAL.
 */
int helper_take(struct vcpu *vcpu, u64 va)
{
	struct helpers *h = &island.helpers;
	int err;

	if (island_locked())
		return -EPERM;
	err = guest_read(vcpu, va, &h->write, sizeof(h->write));
	return err ? : helper_vet(&h->table, &h->write);
}

/* Up to the NUL; @used grows by what was read. */
static int read_string(struct vcpu *vcpu, u64 va, u32 *used)
{
	char *call = island.helpers.call;
	u64 part;
	int err;

	for (;;) {
		part = PAGE_SIZE - va % PAGE_SIZE;
		if (part > 64)
			part = 64;
		if (part > HELPER_CALL_BYTES - *used)
			part = HELPER_CALL_BYTES - *used;
		if (!part)
			return -E2BIG;
		err = guest_read(vcpu, va, call + *used, part);
		if (err)
			return err;
		for (va += part; part; part--) {
			if (!call[(*used)++])
				return 0;
		}
	}
}

/* Arguments or variables */
static int read_words(struct vcpu *vcpu, u64 list, u32 *used, u32 *nr_words)
{
	u64 word;
	int err;

	for (; list; list += sizeof(word)) {
		err = guest_read(vcpu, list, &word, sizeof(word));
		if (err || !word)
			return err;
		err = read_string(vcpu, word, used);
		if (err)
			return err;
		++*nr_words;
	}
	return 0;
}

/*
 * Modules that are not Linux's own start programs as well, by names in their
 * read-only data. The core's are all known: there, a pointer to "/bin/sh"
 * (init/main.c) would lead to a shell.
 */
static bool is_constant(struct vcpu *vcpu, u64 va, u64 length)
{
	const struct code_range *core = &island.config.rodata;
	u64 end = va + length;
	struct guest_mapping m;

	for (; va < end; va = (va | (PAGE_SIZE - 1)) + 1) {
		if (!guest_walk(vcpu, va, &m) || m.pa - core->pa < core->size ||
		    ept_class(&island.ept, m.pa) != CLASS_RODATA)
			return false;
	}
	return true;
}

/* Once the kernel has taken it over, it is in memory like any other. */
static void vet_constant(const char *path, u32 length)
{
	struct helper_write *w = &island.helpers.write;

	w->kind = HELPER_PROGRAM;
	w->position = 0;
	w->room = HELPER_TEXT;
	w->length = length < HELPER_TEXT ? length : HELPER_TEXT;
	memcpy(w->text, path, w->length);
	helper_vet(&island.helpers.table, w);
}

static u32 put(char text[REPORT_TEXT], u32 at, const char *from)
{
	while (*from && at < REPORT_TEXT - 1)
		text[at++] = *from++;
	text[at] = 0;
	return at;
}

/*
 * As one would tell a shell: the variable that does not belong there, the file's
 * name, and the arguments behind the first
 */
static void show(char text[REPORT_TEXT], const char *foreign,
		 const struct helper_call *call)
{
	const char *word = call->words;
	u32 at = 0, i;

	if (foreign) {
		at = put(text, at, foreign);
		at = put(text, at, " ");
	}
	at = put(text, at, call->path);
	for (i = 1; i < call->nr_words; i++) {
		while (*word++)
			;
		at = put(text, at, " ");
		at = put(text, at, word);
	}
}

static bool was_logged(const char *path)
{
	const char *logged = island.helpers.logged;

	while (*logged && *logged == *path) {
		logged++;
		path++;
	}
	return *logged == *path;
}

static void remember_logged(const char *path)
{
	char *logged = island.helpers.logged;
	u32 i;

	for (i = 0; i < HELPER_TEXT - 1 && path[i]; i++)
		logged[i] = path[i];
	logged[i] = 0;
}

/**
 * helper_check() - whether a program may be started
 * @vcpu: the CPU
 * @va: the guest's address of a struct helper_request
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EPERM where it must not be; -EFAULT for a request that is none.
 */
int helper_check(struct vcpu *vcpu, u64 va)
{
	struct helpers *h = &island.helpers;
	struct helper_call call = { .path = h->call };
	struct report report = { .kind = REPORT_HELPER };
	const char *foreign = NULL;
	struct helper_request q;
	enum verdict verdict;
	u32 used = 0, length;
	int err;

	err = guest_read(vcpu, va, &q, sizeof(q));
	if (err)
		return err;
	err = read_string(vcpu, q.path, &used);
	length = used;
	if (!err && !q.copied) {
		if (is_constant(vcpu, q.path, length))
			vet_constant(h->call, length);
		call.words = h->call + length;
		err = read_words(vcpu, q.argv, &used, &call.nr_words);
		call.variables = h->call + used;
		if (!err)
			err = read_words(vcpu, q.envp, &used,
					 &call.nr_variables);
	}
	if (!err && helper_allowed(&h->table, &call, &foreign))
		return 0;
	h->call[HELPER_CALL_BYTES - 1] = 0;

	verdict = policy_verdict(&island.policy, POLICY_HELPERS);
	/* Reported when it was looked at for the first time */
	if (verdict == VERDICT_LOG && q.copied && was_logged(h->call))
		return 0;
	report.rip = q.site;
	report.rsp = vmread(GUEST_RSP);
	report.object = q.path;
	show(report.text, foreign, &call);
	verdict = guard_violation(vcpu, POLICY_HELPERS, &report);
	if (verdict_undoes(verdict))
		return -EPERM;
	remember_logged(h->call);
	return 0;
}
