// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel may start: what administrators named, as the kernel uses it,
 * and nothing that looks like it
 */
#include "unit.h"

#include "helpers.h"

#define MAX_WORDS	10

static void write_at(struct helper_table *t, u32 kind, u32 position, u32 room,
		     const char *text)
{
	struct helper_write w = {
		.kind = kind,
		.position = position,
		.room = room,
		.length = strnlen(text, HELPER_TEXT),
	};

	memcpy(w.text, text, w.length);
	if (helper_vet(t, &w))
		abort();
}

static void set(struct helper_table *t, u32 kind, const char *text)
{
	write_at(t, kind, 0, HELPER_TEXT, text);
}

/* Up to NULL; returns how many, and where the next ones go */
static u32 put_words(char **text, const char *const *words)
{
	u32 nr;

	for (nr = 0; words[nr]; nr++)
		*text = stpcpy(*text, words[nr]) + 1;
	return nr;
}

/*
 * PATH with arguments and an environment, each up to NULL; without any, only the
 * name is known
 */
static bool allowed_in(const struct helper_table *t, const char *path,
		       const char *const *words, const char *const *variables,
		       const char **foreign)
{
	struct helper_call call = { .path = path };
	static char text[2 * PAGE_SIZE];
	char *end = text;

	memset(text, 0, sizeof(text));
	if (words) {
		call.words = end;
		call.nr_words = put_words(&end, words);
		call.variables = end;
		call.nr_variables = put_words(&end, variables);
	}
	return helper_allowed(t, &call, foreign);
}

static bool allowed(const struct helper_table *t, const char *path,
		    const char *const *words)
{
	static const char *const nothing[] = { NULL };
	const char *foreign;
	bool is = allowed_in(t, path, words, nothing, &foreign);

	if (foreign)
		abort();
	return is;
}

#define NAME(t, path)		allowed(t, path, NULL)
#define CALL(t, path, ...)						\
	allowed(t, path, (const char *const[]){ __VA_ARGS__, NULL })
/* The first argument is the file's name, as the kernel has it. */
#define START(t, path, ...)	CALL(t, path, path, ## __VA_ARGS__)

FIXTURE(helpers)
{
	struct helper_table table;
};

FIXTURE_SETUP(helpers)
{
	memset(&self->table, 0, sizeof(self->table));
}

FIXTURE_TEARDOWN(helpers)
{
}

TEST_F(helpers, nothing_is_allowed_that_nobody_named)
{
	EXPECT_FALSE(NAME(&self->table, "/sbin/modprobe"));
	EXPECT_FALSE(NAME(&self->table, ""));
	EXPECT_FALSE(START(&self->table, "/bin/sh", "-c", "id"));
	EXPECT_FALSE(START(&self->table, ""));
}

TEST_F(helpers, modprobe_with_its_arguments)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_MODPROBE, "/sbin/modprobe");
	EXPECT_TRUE(NAME(t, "/sbin/modprobe"));
	EXPECT_TRUE(START(t, "/sbin/modprobe", "-q", "--", "fs-vfat"));
	EXPECT_TRUE(START(t, "/sbin/modprobe", "-q", "--", "a/b c"));
	EXPECT_TRUE(START(t, "/sbin/modprobe", "-q", "--", ""));
	EXPECT_FALSE(START(t, "/sbin/modprobe"));
	EXPECT_FALSE(START(t, "/sbin/modprobe", "-q", "--"));
	EXPECT_FALSE(START(t, "/sbin/modprobe", "-q", "--", "a", "b"));
	EXPECT_FALSE(START(t, "/sbin/modprobe", "-C", "--", "a"));
	EXPECT_FALSE(START(t, "/sbin/modprobe", "-C", "/tmp/mine", "x"));
	EXPECT_FALSE(START(t, "/sbin/modprob", "-q", "--", "a"));
	EXPECT_FALSE(START(t, "/sbin/modprobe2", "-q", "--", "a"));
	/* kmod is many programs, by the name that it is told. */
	EXPECT_FALSE(CALL(t, "/sbin/modprobe", "insmod", "-q", "--", "a"));
	EXPECT_FALSE(allowed(t, "/sbin/modprobe", (const char *const[]){ NULL }));
}

TEST_F(helpers, a_program_is_not_split)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_MODPROBE, "/opt/my modprobe %p");
	EXPECT_TRUE(START(t, "/opt/my modprobe %p", "-q", "--", "a"));
	EXPECT_FALSE(START(t, "/opt/my", "modprobe", "%p"));
	EXPECT_FALSE(NAME(t, "/opt/my"));
}

TEST_F(helpers, core_pattern_counts_as_a_pipe_only)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_CORE_PATTERN, "/bin/sh");
	EXPECT_FALSE(NAME(t, "/bin/sh"));
	EXPECT_FALSE(NAME(t, "bin/sh"));
	set(t, HELPER_CORE_PATTERN, "|/bin/sh");
	EXPECT_TRUE(NAME(t, "/bin/sh"));
	EXPECT_TRUE(START(t, "/bin/sh"));
	EXPECT_FALSE(START(t, "/bin/sh", "-c"));
	/* A socket's name: Linux may put back what was there, and it starts nothing. */
	set(t, HELPER_CORE_PATTERN, "@run/socket");
	EXPECT_TRUE(NAME(t, "/bin/sh"));
	set(t, HELPER_CORE_PATTERN, "|");
	EXPECT_FALSE(NAME(t, ""));
	set(t, HELPER_CORE_PATTERN, "|  ");
	EXPECT_FALSE(START(t, ""));
}

/* Debian's, with systemd-coredump */
TEST_F(helpers, core_pattern_with_specifiers)
{
	struct helper_table *t = &self->table;
	static const char program[] = "/usr/lib/systemd/systemd-coredump";

	set(t, HELPER_CORE_PATTERN,
	    "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 0x%c %h");
	EXPECT_TRUE(START(t, program, "1", "0", "0", "6", "-17", "0x9", "host"));
	EXPECT_TRUE(START(t, program, "1", "0", "0", "6", "17", "0x9", "a b"));
	EXPECT_FALSE(START(t, program, "x", "0", "0", "6", "17", "0x9", "host"));
	EXPECT_FALSE(START(t, program, "1", "0", "0", "6", "17", "9", "host"));
	EXPECT_FALSE(START(t, program, "1", "0", "0", "6", "17", "0x9", "/tmp/x"));
	EXPECT_FALSE(START(t, program, "1", "0", "0", "6", "17", "0x9"));
	EXPECT_FALSE(START(t, program, "1", "0", "0", "6", "17", "0x9", "a", "b"));
	EXPECT_FALSE(START(t, "/tmp/x", "1", "0", "0", "6", "17", "0x9", "host"));
}

TEST_F(helpers, specifiers_as_the_kernel_reads_them)
{
	static const struct {
		const char *pattern;
		const char *word;
		bool allowed;
	} rows[] = {
		{ "%e", "bash", true },
		{ "%e", "", true },
		{ "%e", "a/b", false },
		{ "%%", "%", true },
		{ "%%e", "%e", true },
		{ "%%e", "bash", false },
		{ "a%", "a", true },		/* alone at the end: dropped */
		{ "a%", "a%", false },
		{ "a% ", "a", true },
		{ "a% ", "ab", false },
		{ "%Q", "", true },		/* unknown: dropped, so far */
		{ "-%e-%p-%e.", "-a-b-1-c-.", true },
		{ "-%e-%p-%e.", "-a-b-c-.", false },
		{ "%p%p%p%p%p%p%p%p%p%px", "11111111111111111111x", true },
		{ "%e%e%e%e%e%e%e%e%e%ex", "aaaaaaaaaaaaaaaaaaaay", false },
		{ "%E", "!usr!bin!x", true },
	};
	char pattern[HELPER_TEXT];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		sprintf(pattern, "| /h \t%s", rows[i].pattern);
		set(&self->table, HELPER_CORE_PATTERN, pattern);
		EXPECT_EQ(rows[i].allowed,
			  START(&self->table, "/h", rows[i].word))
			TH_LOG("%s: %s", rows[i].pattern, rows[i].word);
	}
}

/* "% " takes the blank along: it is no border. */
TEST_F(helpers, a_specifier_takes_a_blank_along)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_CORE_PATTERN, "|/h a% b c");
	EXPECT_TRUE(START(t, "/h", "ab", "c"));
	EXPECT_FALSE(START(t, "/h", "a", "b", "c"));
}

TEST_F(helpers, the_program_may_have_specifiers)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_CORE_PATTERN, "|/usr/lib/%e/h %p");
	EXPECT_TRUE(START(t, "/usr/lib/bash/h", "1"));
	EXPECT_FALSE(START(t, "/usr/lib/../../tmp/h", "1"));
}

TEST_F(helpers, a_command_is_split_and_has_no_specifiers)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_POWEROFF, "/sbin/poweroff  -n\t%e");
	EXPECT_TRUE(NAME(t, "/sbin/poweroff"));
	EXPECT_TRUE(START(t, "/sbin/poweroff", "-n", "%e"));
	EXPECT_FALSE(START(t, "/sbin/poweroff", "-n", "x"));
	EXPECT_FALSE(START(t, "/sbin/poweroff"));
	EXPECT_FALSE(START(t, "/sbin/poweroff", "-n", "%e", "x"));
}

/* What is vetted for one use is not for another. */
TEST_F(helpers, no_program_with_anothers_arguments)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_MODPROBE, "/sbin/modprobe");
	set(t, HELPER_CORE_PATTERN, "|/usr/lib/h %p");
	EXPECT_FALSE(START(t, "/sbin/modprobe", "-C/tmp/x", "1"));
	EXPECT_FALSE(START(t, "/sbin/modprobe", "1"));
	EXPECT_FALSE(START(t, "/usr/lib/h", "-q", "--", "1"));
}

TEST_F(helpers, what_is_built_in)
{
	struct helper_table *t = &self->table;

	EXPECT_TRUE(START(t, "/sbin/request-key", "create", "77", "0", "0",
			  "0", "1", "2"));
	EXPECT_FALSE(START(t, "/sbin/request-key", "create", "/etc"));
	EXPECT_TRUE(START(t, "/sbin/reboot"));
	EXPECT_FALSE(START(t, "/sbin/reboot", "-f"));
	EXPECT_TRUE(START(t, "/sbin/bridge-stp", "br0", "start"));
	EXPECT_TRUE(NAME(t, "/sbin/drbdadm"));
	EXPECT_FALSE(START(t, "/sbin/drbdadm", "-c", "/tmp/x"));
	EXPECT_TRUE(START(t, "/sbin/nfsdcltrack", "init"));
	EXPECT_TRUE(START(t, "/sbin/nfsdcltrack", "create", "a/b"));
}

/* Of what is started, one after the other: path and arguments */
static const char *const modprobe[] = { "/sbin/modprobe", "-q", "--", "a", NULL };
static const char *const hotplug[] = { "/sbin/hotplug", "usb", NULL };
static const char *const dump[] = { "/usr/lib/h", "12", NULL };
static const char *const agent[] = { "/agent", "/a", NULL };
static const char *const drbd[] = { "/opt/drbdadm", "fence", "minor-0", NULL };
static const char *const tracker[] = { "/sbin/nfsdcltrack", "init", NULL };
static const char *const key[] = {
	"/sbin/request-key", "create", "1", "0", "0", "1", "2", "3", NULL
};

static const char *const *const calls[] = {
	modprobe, hotplug, dump, agent, drbd, tracker, key,
};

static void set_all(struct helper_table *t)
{
	set(t, HELPER_MODPROBE, modprobe[0]);
	set(t, HELPER_UEVENT, hotplug[0]);
	set(t, HELPER_CORE_PATTERN, "|/usr/lib/h %p");
	set(t, HELPER_RELEASE_AGENT, agent[0]);
	set(t, HELPER_PROGRAM, drbd[0]);
}

/* As the kernel gives them, some with places that were left empty */
TEST_F(helpers, with_the_kernels_own_environments)
{
	static const char *const rows[][6] = {
		{ NULL },
		{ "HOME=/", "TERM=linux",
		  "PATH=/sbin:/usr/sbin:/bin:/usr/bin" },
		{ "HOME=/", "PATH=/sbin:/bin:/usr/sbin:/usr/bin" },
		{ "HOME=/", "TERM=linux", "PATH=/usr/bin:/bin" },
		{ "HOME=/", "PATH=/sbin:/bin" },
		{ "NFSDCLTRACK_CLIENT_HAS_SESSION=Y",
		  "NFSDCLTRACK_LEGACY_RECDIR=/var/lib/nfs/v4recovery/0a1b" },
		{ "HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		  "", "" },
		{ "HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		  "DRBD_PEER_AF=ipv4", "DRBD_PEER_ADDRESS=10.0.0.1" },
	};
	const char *foreign;
	u32 i, j;

	set_all(&self->table);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (j = 0; j < ARRAY_SIZE(rows); j++) {
			EXPECT_TRUE(allowed_in(&self->table, calls[i][0],
					       calls[i], rows[j], &foreign))
				TH_LOG("%s, row %u", calls[i][0], j);
			EXPECT_EQ(NULL, foreign);
		}
	}
}

/* With what its environment has then, the right program does something else. */
TEST_F(helpers, with_no_variable_that_steers)
{
	static const char *const rows[] = {
		"LD_PRELOAD=/home/u/x.so", "LD_AUDIT=/home/u/x.so",
		"LD_LIBRARY_PATH=/home/u", "GLIBC_TUNABLES=glibc.x=1",
		"MALLOC_CHECK_=1", "GCONV_PATH=/home/u", "LOCPATH=/home/u",
		"NLSPATH=/home/u", "BASH_ENV=/home/u/x",
		"BASH_FUNC_x%%=() { id; }", "BASHOPTS=x", "ENV=/home/u/x",
		"SHELLOPTS=xtrace", "IFS=/", "PS4=$(id)", "PERL5OPT=-Mx",
		"PERLLIB=/home/u", "PYTHONPATH=/home/u", "RUBYOPT=-rx",
		"MODPROBE_OPTIONS=-C /home/u", "HOME=", "HOME=/home/u",
		"HOME=/x", "TERM=", "TERM=linux2", "TERMINFO=/home/u", "PATH=",
		"PATH=/sbin:/bin:.", "PATH=/sbin:/bin:/usr/sbin:/usr/bin:",
		"PATH=/home/u:/sbin:/bin",
	};
	const char *environment[3] = { "HOME=/" };
	const char *foreign;
	u32 i, j;

	set_all(&self->table);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (j = 0; j < ARRAY_SIZE(rows); j++) {
			environment[1] = rows[j];
			EXPECT_FALSE(allowed_in(&self->table, calls[i][0],
						calls[i], environment, &foreign))
				TH_LOG("%s with %s", calls[i][0], rows[j]);
			ASSERT_NE(NULL, foreign);
			EXPECT_STREQ(rows[j], foreign);
		}
	}
}

/* Drivers choose names for events, and nobody else has a choice. */
TEST_F(helpers, events_have_variables_of_their_own)
{
	static const char *const rows[] = {
		"ACTION=add", "DEVPATH=/devices/x", "SUBSYSTEM=usb", "SEQNUM=7",
		"MODALIAS=usb:v1", "POWER_SUPPLY_NAME=BAT0", "SYNTH_ARG_A=1",
		"LDISC=1", "EV=3", "PROP=0", "HOMEPAGE=x", "ENVELOPE=x",
		"home=/x", "HOME", "NFSDCLTRACK", "DRBD=1", "=", " HOME=/",
	};
	const char *environment[2] = { NULL };
	const char *foreign;
	u32 i, j;

	set_all(&self->table);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (j = 0; j < ARRAY_SIZE(rows); j++) {
			environment[0] = rows[j];
			EXPECT_EQ(calls[i] == hotplug,
				  allowed_in(&self->table, calls[i][0],
					     calls[i], environment, &foreign))
				TH_LOG("%s with %s", calls[i][0], rows[j]);
			EXPECT_EQ(calls[i] == hotplug, !foreign);
		}
	}
}

/* Where the program is no right one either, it is that which counts. */
TEST_F(helpers, the_program_before_its_environment)
{
	static const char *const words[] = { "/bin/sh", NULL };
	static const char *const environment[] = { "LD_PRELOAD=/x.so", NULL };
	const char *foreign = "";

	set_all(&self->table);
	EXPECT_FALSE(allowed_in(&self->table, "/bin/sh", words, environment,
				&foreign));
	EXPECT_EQ(NULL, foreign);
	/* Where two values name it, one is enough. */
	set(&self->table, HELPER_UEVENT, agent[0]);
	EXPECT_TRUE(allowed_in(&self->table, agent[0], agent,
			       (const char *const[]){ "ACTION=add", NULL },
			       &foreign));
	EXPECT_EQ(NULL, foreign);
}

TEST_F(helpers, a_new_value_replaces_the_old_one)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_MODPROBE, "/sbin/modprobe");
	set(t, HELPER_MODPROBE, "/opt/m\n");
	EXPECT_FALSE(NAME(t, "/sbin/modprobe"));
	EXPECT_TRUE(NAME(t, "/opt/m"));
	set(t, HELPER_MODPROBE, "\n");
	EXPECT_FALSE(NAME(t, "/opt/m"));
	EXPECT_FALSE(NAME(t, ""));
}

/* As kernel/sysctl.c does, and from our value, whatever Linux's has become */
TEST_F(helpers, writes_at_a_position)
{
	struct helper_table *t = &self->table;

	set(t, HELPER_MODPROBE, "/sbin/modprobe");
	write_at(t, HELPER_MODPROBE, 6, HELPER_TEXT, "x");
	EXPECT_TRUE(NAME(t, "/sbin/x"));
	write_at(t, HELPER_MODPROBE, 7, HELPER_TEXT, "y\nz");
	EXPECT_TRUE(NAME(t, "/sbin/xy"));
	/* Behind the end, and nothing at all */
	write_at(t, HELPER_MODPROBE, 9, HELPER_TEXT, "q");
	write_at(t, HELPER_MODPROBE, 0, HELPER_TEXT, "");
	EXPECT_TRUE(NAME(t, "/sbin/xy"));
	/* What does not fit is cut off. */
	write_at(t, HELPER_MODPROBE, 0, 6, "/sbin/modprobe");
	EXPECT_TRUE(NAME(t, "/sbin"));
	write_at(t, HELPER_MODPROBE, 5, 5, "/x");
	EXPECT_TRUE(NAME(t, "/sbin"));
}

TEST_F(helpers, others_are_kept_in_a_ring)
{
	struct helper_table *t = &self->table;
	char name[32];
	int i;

	for (i = 0; i < HELPER_OTHERS; i++) {
		sprintf(name, "/agent%d\t\n", i);
		set(t, HELPER_RELEASE_AGENT, name);
	}
	/* Once more what is there takes no place. */
	set(t, HELPER_RELEASE_AGENT, "/agent3");
	set(t, HELPER_RELEASE_AGENT, "");
	EXPECT_TRUE(START(t, "/agent0", "/a/group"));
	EXPECT_FALSE(START(t, "/agent0"));
	set(t, HELPER_PROGRAM, "/new");
	EXPECT_FALSE(NAME(t, "/agent0"));
	EXPECT_TRUE(NAME(t, "/agent1"));
	EXPECT_TRUE(START(t, "/new", "with", "/any/thing"));
}

/* That is what the kernel then looks for, and does not find. */
TEST_F(helpers, a_parameter_keeps_the_lines_end)
{
	set(&self->table, HELPER_PROGRAM, "/new\n");
	EXPECT_TRUE(NAME(&self->table, "/new\n"));
	EXPECT_FALSE(NAME(&self->table, "/new"));
}

TEST_F(helpers, refuses_writes_that_cannot_be)
{
	static const struct helper_write rows[] = {
		{ .kind = HELPER_KIND_COUNT, .room = 8 },
		{ .kind = ~0U, .room = 8 },
		{ .kind = HELPER_BUILT_IN, .room = 8 },
		{ .kind = HELPER_MODPROBE, .room = 0, .length = 1 },
		{ .kind = HELPER_MODPROBE, .room = HELPER_TEXT + 1 },
		{ .kind = HELPER_MODPROBE, .room = 8, .length = HELPER_TEXT + 1 },
		{ .kind = HELPER_PROGRAM, .room = 8, .position = 1 },
	};
	struct helper_table before = self->table;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(-EINVAL, helper_vet(&self->table, &rows[i]));
	EXPECT_EQ(0, memcmp(&before, &self->table, sizeof(before)));
}

/* Whatever is written, and wherever: no byte outside, and always an end */
TEST_F(helpers, any_write_and_any_call)
{
	static const char alphabet[] = "|%%%%aepF*/ \t\n-1";
	struct helper_table *t = &self->table;
	struct helper_write w;
	struct helper_call call;
	const char *foreign;
	char text[600];
	u64 i;
	u32 j;

	for (i = 0; i < fuzz_rounds(20000); i++) {
		memset(&w, 0, sizeof(w));
		w.kind = random_below(HELPER_KIND_COUNT + 1);
		w.room = random_below(HELPER_TEXT + 2);
		w.length = random_below(one_in(3) ? HELPER_TEXT + 2 : 20);
		w.position = one_in(3) ? random_below(HELPER_TEXT + 2) : 0;
		for (j = 0; j < HELPER_TEXT; j++)
			w.text[j] = alphabet[random_below(sizeof(alphabet))];
		helper_vet(t, &w);
		for (j = 0; j < HELPER_SINGLE_KINDS; j++) {
			ASSERT_LT(t->single[j].length, HELPER_TEXT);
			ASSERT_EQ(t->single[j].length,
				  strlen(t->single[j].text));
		}
		for (j = 0; j < HELPER_OTHERS; j++)
			ASSERT_EQ(t->other[j].length, strlen(t->other[j].text));

		for (j = 0; j < sizeof(text); j++)
			text[j] = alphabet[random_below(sizeof(alphabet))];
		memset(text + sizeof(text) - MAX_WORDS, 0, MAX_WORDS);
		call.path = text;
		call.words = one_in(4) ? NULL : text;
		call.nr_words = 0;
		for (j = 0; j < sizeof(text); j++)
			call.nr_words += !text[j];
		call.variables = text;
		call.nr_variables = call.nr_words;
		helper_allowed(t, &call, &foreign);
		if (foreign)
			ASSERT_LT(foreign - text, sizeof(text));
	}
}

TEST_HARNESS_MAIN
