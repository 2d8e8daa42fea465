// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the programs that the kernel itself starts, as root
 */
#include "helpers.h"

static const struct {
	bool split;
	bool pipe;
	bool specifiers;
	bool drivers;
	const char *arguments;
} kinds[HELPER_KIND_COUNT] = {
#define X(constant, split_, pipe_, specifiers_, drivers_, arguments_)	\
	[HELPER_##constant] = {						\
		.split = (split_),					\
		.pipe = (pipe_),					\
		.specifiers = (specifiers_),				\
		.drivers = (drivers_),					\
		.arguments = (arguments_),				\
	},
	HELPER_KINDS(X)
#undef X
};

/*
 * What the kernel and its own modules start by names that nobody changes, or as
 * such names are before anybody has: security/keys/request_key.c,
 * kernel/reboot.c, net/bridge/br_stp_if.c, fs/nfs/cache_lib.c,
 * fs/nfsd/nfs4recover.c and nfs4layouts.c, drivers/block/drbd/drbd_nl.c,
 * fs/ocfs2/stackglue.c, drivers/net/hamradio/baycom_epp.c,
 * drivers/video/fbdev/uvesafb.c.
 */
static const char *const built_in[] = {
	"/sbin/request-key %e %p %p %p %p %p %p",
	"/sbin/reboot",
	"/sbin/bridge-stp %e %e",
	"/sbin/nfs_cache_getent %e %e",
	"/sbin/nfsdcltrack %e",
	"/sbin/nfsdcltrack %e %*",
	"/sbin/nfsd-recall-failed %* %*",
	"/sbin/drbdadm %e %e",
	"/sbin/ocfs2_hb_ctl -K -u %*",
	"/usr/sbin/eppfpga -s -p %e -m %e",
	"/sbin/v86d",
};

/*
 * What is in the environment of these, and of what kernel/module/kmod.c,
 * kernel/cgroup/cgroup-v1.c and lib/kobject_uevent.c start. A core dump's is empty.
 * A '*' at the end stands for anything; names that begin so mean something only to
 * the program that gets them. DRBD leaves two places empty where it has nothing to
 * say, and has more variables in its version 9.
 */
static const char *const variables[] = {
	"HOME=/",
	"TERM=linux",
	"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
	"PATH=/sbin:/bin:/usr/sbin:/usr/bin",
	"PATH=/usr/bin:/bin",
	"PATH=/sbin:/bin",
	"NFSDCLTRACK_*",
	"DRBD_*",
	"",
};

/*
 * Names that drivers cannot have chosen for what they tell of an event: the
 * dynamic loader, libc, shells, interpreters and kmod do what such variables say.
 */
static const char *const steering[] = {
	"HOME=*",
	"TERM*",
	"PATH=*",
	"LD_*",
	"GLIBC_*",
	"MALLOC_*",
	"GCONV_PATH=*",
	"LOCPATH=*",
	"NLSPATH=*",
	"BASH*",
	"ENV=*",
	"SHELLOPTS=*",
	"IFS=*",
	"PS4=*",
	"PERL*",
	"PYTHON*",
	"RUBY*",
	"MODPROBE_OPTIONS=*",
};

/* A command as it is compared: text and how to read it */
struct pattern {
	const char *text;
	u32 length;
	bool specifiers;
};

/* What a piece of a pattern stands for */
enum piece {
	PIECE_LITERAL,
	PIECE_NOTHING,		/* a '%' at the end, or before a blank, say */
	PIECE_NUMBER,
	PIECE_NAME,		/* anything without a slash */
	PIECE_ANYTHING,
};

static u32 length_of(const char *text)
{
	u32 length = 0;

	while (text[length])
		length++;
	return length;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* As lib/ctype.c has it: isspace() */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (u8)c == 0xa0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * fs/coredump.c: format_corename(). Names come from processes and the machine;
 * there, the kernel replaces slashes. What it does not know it drops; but a
 * letter may be known to a later kernel.
 */
static enum piece piece_at(const struct pattern *p, u32 at, u32 *size)
{
	*size = 1;
	if (!p->specifiers || p->text[at] != '%')
		return PIECE_LITERAL;
	if (at + 1 == p->length)
		return PIECE_NOTHING;
	*size = 2;
	switch (p->text[at + 1]) {
	case '%':
		return PIECE_LITERAL;
	case 'p':
	case 'P':
	case 'i':
	case 'I':
	case 'u':
	case 'g':
	case 'd':
	case 's':
	case 't':
	case 'c':
	case 'C':
	case 'F':
		return PIECE_NUMBER;
	case '*':
		return PIECE_ANYTHING;
	}
	return is_letter(p->text[at + 1]) ? PIECE_NAME : PIECE_NOTHING;
}

static bool accepts(enum piece piece, char c)
{
	switch (piece) {
	case PIECE_NUMBER:
		return (c >= '0' && c <= '9') || c == '-';
	case PIECE_NAME:
		return c != '/';
	case PIECE_ANYTHING:
		return true;
	default:
		return false;
	}
}

/* What stands for any number of bytes may stand for none. */
static void skip_empty(const struct pattern *p, u32 from, u32 to, u8 *places)
{
	u32 at, size;

	for (at = from; at < to; at++) {
		if (places[at] && piece_at(p, at, &size) != PIECE_LITERAL)
			places[at + size] = 1;
	}
}

/*
 * All places in the pattern where the word's bytes so far may end are kept, so
 * the time is bounded whatever an attacker makes of the word.
 */
static bool word_matches(const struct pattern *p, u32 from, u32 to,
			 const char *word)
{
	u8 places[2][HELPER_TEXT + 1] = { { 0 } };
	u8 *now = places[0], *next = places[1], *other;
	enum piece piece;
	u32 at, size;

	now[from] = 1;
	skip_empty(p, from, to, now);
	for (; *word; word++) {
		for (at = from; at <= to; at++)
			next[at] = 0;
		for (at = from; at < to; at++) {
			if (!now[at])
				continue;
			piece = piece_at(p, at, &size);
			if (piece == PIECE_LITERAL && p->text[at] == *word)
				next[at + size] = 1;
			else if (accepts(piece, *word))
				next[at] = 1;
		}
		skip_empty(p, from, to, next);
		other = now;
		now = next;
		next = other;
	}
	return now[to];
}

static u32 skip_spaces(const struct pattern *p, u32 at)
{
	while (at < p->length && is_space(p->text[at]))
		at++;
	return at;
}

/* A '%' takes what follows along, be it a space. */
static u32 word_end(const struct pattern *p, u32 at)
{
	u32 size;

	while (at < p->length && !is_space(p->text[at])) {
		piece_at(p, at, &size);
		at += size;
	}
	return at;
}

static bool words_match(const struct pattern *p, u32 at, const char *word,
			u32 nr_words)
{
	u32 end;

	for (at = skip_spaces(p, at); at < p->length;
	     at = skip_spaces(p, end)) {
		end = word_end(p, at);
		if (!nr_words-- || !word_matches(p, at, end, word))
			return false;
		word += length_of(word) + 1;
	}
	return !nr_words;
}

static bool command_matches(const struct pattern *p,
			    const struct helper_call *call)
{
	u32 at = skip_spaces(p, 0);

	if (at == p->length || !word_matches(p, at, word_end(p, at), call->path))
		return false;
	if (!call->words)
		return true;
	/* The file that is started is the one that the command names. */
	return call->nr_words && same(call->words, call->path) &&
	       words_match(p, at, call->words, call->nr_words);
}

static bool program_matches(const struct helper_value *value,
			    const struct helper_call *call)
{
	struct pattern arguments = { .specifiers = true };

	if (!same(value->text, call->path))
		return false;
	arguments.text = kinds[value->kind].arguments;
	if (!call->words || !arguments.text)
		return true;
	arguments.length = length_of(arguments.text);
	return call->nr_words && same(call->words, call->path) &&
	       words_match(&arguments, 0,
			   call->words + length_of(call->words) + 1,
			   call->nr_words - 1);
}

static bool value_matches(const struct helper_value *value,
			  const struct helper_call *call)
{
	bool pipe = kinds[value->kind].pipe;
	struct pattern p = {
		.text = value->text + pipe,
		.specifiers = kinds[value->kind].specifiers,
	};

	if (!value->length)
		return false;
	if (!kinds[value->kind].split)
		return program_matches(value, call);
	p.length = value->length - pipe;
	return (!pipe || value->text[0] == '|') && command_matches(&p, call);
}

static bool built_in_matches(const struct helper_call *call)
{
	struct pattern p = { .specifiers = kinds[HELPER_BUILT_IN].specifiers };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(built_in); i++) {
		p.text = built_in[i];
		p.length = length_of(p.text);
		if (command_matches(&p, call))
			return true;
	}
	return false;
}

static bool is_one_of(const char *const *list, u32 nr, const char *variable)
{
	const char *a, *b;

	for (; nr--; list++) {
		for (a = *list, b = variable; *a && *a != '*' && *a == *b; a++)
			b++;
		if (*a == '*' || *a == *b)
			return true;
	}
	return false;
}

/* @foreign is the first variable that programs of the kind do not get, or NULL. */
static bool environment_matches(enum helper_kind kind,
				const struct helper_call *call,
				const char **foreign)
{
	const char *variable = call->variables;
	u32 i;

	for (i = 0; i < call->nr_variables; i++) {
		*foreign = variable;
		if (!is_one_of(variables, ARRAY_SIZE(variables), variable) &&
		    (!kinds[kind].drivers ||
		     is_one_of(steering, ARRAY_SIZE(steering), variable)))
			return false;
		variable += length_of(variable) + 1;
	}
	*foreign = NULL;
	return true;
}

/**
 * helper_allowed() - whether the kernel may start a program
 * @table: the vetted values
 * @call: what is to be started, as an attacker may have made it
 * @foreign: becomes the variable of the environment that it may not be started
 *	with, or NULL
 *
 * Context: pure.
 */
bool helper_allowed(const struct helper_table *table,
		    const struct helper_call *call, const char **foreign)
{
	const struct helper_value *value;
	u32 i;

	*foreign = NULL;
	if (!call->path[0])
		return false;
	for (i = 0; i < HELPER_SINGLE_KINDS + HELPER_OTHERS; i++) {
		value = i < HELPER_SINGLE_KINDS ? &table->single[i] :
			&table->other[i - HELPER_SINGLE_KINDS];
		if (value_matches(value, call) &&
		    environment_matches(value->kind, call, foreign))
			return true;
	}
	return built_in_matches(call) &&
	       environment_matches(HELPER_BUILT_IN, call, foreign);
}

/*
 * Up to a NUL or the line's end, as kernel/sysctl.c does: _proc_do_string(). To a
 * module's parameter, the line's end belongs.
 */
static void put_text(struct helper_value *value, const struct helper_write *w,
		     u32 room)
{
	char end = w->kind == HELPER_PROGRAM ? 0 : '\n';
	u32 from = 0, to = w->position;

	while (from < w->length && to < room - 1 && w->text[from] &&
	       w->text[from] != end)
		value->text[to++] = w->text[from++];
	value->text[to] = 0;
	value->length = to;
}

static int vet_other(struct helper_table *table, const struct helper_write *w,
		     u32 room)
{
	struct helper_value value = { .kind = w->kind };
	u32 i;

	put_text(&value, w, room);
	while (w->kind == HELPER_RELEASE_AGENT && value.length &&
	       is_space(value.text[value.length - 1]))
		value.text[--value.length] = 0;
	if (!value.length)
		return 0;
	for (i = 0; i < HELPER_OTHERS; i++) {
		if (table->other[i].kind == value.kind &&
		    same(table->other[i].text, value.text))
			return 0;
	}
	table->other[table->next] = value;
	table->next = (table->next + 1) % HELPER_OTHERS;
	return 0;
}

/*
 * It starts no program. Since 6.16 Linux looks at the name of the socket when it has
 * been written, which is after this, and puts back what was there if it is none.
 */
static bool names_socket(const struct helper_write *w)
{
	return w->kind == HELPER_CORE_PATTERN && !w->position &&
	       w->text[0] == '@';
}

/**
 * helper_vet() - take over what an administrator writes
 * @table: changed
 * @write: what he writes, and where to
 *
 * The new value is made of the old one that is here, not of what the kernel's
 * string holds now: so what an attacker has put there stays unvetted, also where
 * an administrator writes nothing, or appends to it.
 *
 * Context: pure.
 *
 * Return: 0, or -EINVAL for a write that cannot be.
 */
int helper_vet(struct helper_table *table, const struct helper_write *write)
{
	struct helper_value *value;
	u32 room = write->room;

	if (write->kind >= HELPER_BUILT_IN || !room || room > HELPER_TEXT ||
	    write->length > HELPER_TEXT)
		return -EINVAL;
	if (write->kind >= HELPER_SINGLE_KINDS)
		return write->position ? -EINVAL : vet_other(table, write, room);
	value = &table->single[write->kind];
	/* Nothing, or behind a hole: Linux does not write that either. */
	if (!write->length || write->position > value->length ||
	    write->position >= room || names_socket(write))
		return 0;
	value->kind = write->kind;
	put_text(value, write, room);
	return 0;
}
