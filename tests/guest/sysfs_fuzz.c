// SPDX-License-Identifier: GPL-2.0
/*
 * Random writes to every file in /sys/kernel/carapace
 *
 * Whatever is written: a file that cannot be written does not open, one of
 * policy/ takes a word of its own and nothing else, those of returns/ what is
 * loaded, what is refused changes nothing, and the kernel does not complain. At
 * last policy/lock joins in, and then nothing gets weaker. FUZZ_COUNT writes (or
 * 500), from FUZZ_SEED on.
 */
#include <ctype.h>
#include <ftw.h>

#include <kselftest_harness.h>

#include "guest.h"

#define FILES_MAX	512
#define LONGEST		5000	/* more than a page, which is sysfs's limit */
#define POLICY		SYSFS "/policy/"

/*
 * Words by increasing tightness. "custom" is what profile shows and does not
 * take.
 */
static const struct key {
	const char *name;
	const char *words[5];
} keys[] = {
	{ "profile", { "monitor", "balanced", "strict", "custom" } },
	{ "action", { "log", "block", "panic" } },
	{ "code", { "off", "on" } },
	{ "dynamic_code", { "seal", "deny" } },
	{ "exec", { "off", "on" } },
	{ "frozen_frames", { "off", "on" } },
	{ "helpers", { "off", "on" } },
	{ "lock", { "off", "on" } },
	{ "parked_stacks", { "off", "on" } },
	{ "registers", { "off", "on" } },
	{ "returns", { "off", "on" } },
};

/* What returns/guard and returns/unguard may be told */
static const char *const names[] = {
	"*", "carapace_vuln", "dummy", "vmlinux", "carapace", "no_such_module",
};

#define NR_NAMES	ARRAY_SIZE(names)
#define NAME_ALL	0
#define LISTED		SYSFS "/returns/modules"
#define GUARD		SYSFS "/returns/guard"
#define UNGUARD		SYSFS "/returns/unguard"

#define NR_KEYS		ARRAY_SIZE(keys)
#define KEY_PROFILE	0
#define ABSENT		-2
#define NO_WORD		-1

/* Everything that writes change */
struct state {
	int policy[NR_KEYS];
	int guarded[NR_NAMES];
	int lines;	/* of what is guarded */
};

static char *files[FILES_MAX];
static int nr_files;

static size_t below(size_t limit)
{
	return random() % limit;
}

static int word_number(const struct key *key, const char *word)
{
	int i;

	for (i = 0; key->words[i]; i++) {
		if (!strcmp(word, key->words[i]))
			return i;
	}
	return NO_WORD;
}

/* What each file of policy/ shows */
static void read_policy(int values[NR_KEYS])
{
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++) {
		snprintf(path, sizeof(path), POLICY "%s", keys[i].name);
		values[i] = access(path, F_OK) ? ABSENT :
			word_number(&keys[i], read_text(path));
	}
}

static const struct key *key_of(const char *path)
{
	unsigned int i;

	if (strncmp(path, POLICY, strlen(POLICY)))
		return NULL;
	for (i = 0; i < NR_KEYS; i++) {
		if (!strcmp(path + strlen(POLICY), keys[i].name))
			return &keys[i];
	}
	return NULL;
}

/* What is guarded */
static void read_guarded(struct state *state)
{
	FILE *file = fopen(LISTED, "r");
	char line[128];
	unsigned int i;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		state->lines++;
		for (i = 0; i < NR_NAMES; i++)
			state->guarded[i] += !strcmp(line, names[i]);
	}
	if (file)
		fclose(file);
}

static struct state read_state(void)
{
	struct state state = { 0 };

	read_policy(state.policy);
	read_guarded(&state);
	return state;
}

static int note_file(const char *path, const struct stat *status, int type,
		     struct FTW *where)
{
	if (type == FTW_F && nr_files < FILES_MAX)
		files[nr_files++] = strdup(path);
	return 0;
}

/* All of them take long: not as often as others; half of these are there */
static const char *random_name(void)
{
	size_t number = below(2) ? 1 + below(3) : below(NR_NAMES);

	return names[number == NAME_ALL && below(4) ? 1 : number];
}

static const char *random_word(void)
{
	const struct key *key = &keys[below(NR_KEYS)];
	size_t i;

	for (i = 0; key->words[i]; i++)
		;
	return key->words[below(i)];
}

/* That word, mostly spoilt, or anything; its length */
static size_t random_text(char text[LONGEST], const char *word)
{
	size_t length, i;

	if (below(4) == 0) {
		length = below(8) ? below(40) : below(LONGEST);
		for (i = 0; i < length; i++)
			text[i] = random();
		return length;
	}
	length = strlen(word);
	memcpy(text, word, length);
	switch (below(5)) {
	case 0:
		text[length++] = '\n';
		break;
	case 1:
		text[below(length)] ^= 1 << below(8);
		break;
	case 2:
		text[length++] = random();
		break;
	case 3:
		length = below(length);
		break;
	}
	return length;
}

/* Without a newline at its end; false where it is no text */
static bool text_of(char word[LONGEST + 1], const char *text, size_t length)
{
	memcpy(word, text, length);
	word[length] = 0;
	if (strlen(word) != length)
		return false;
	if (length && word[length - 1] == '\n')
		word[length - 1] = 0;
	return true;
}

/* The number of the word that it is */
static int text_means(const struct key *key, const char *text, size_t length)
{
	char word[LONGEST + 1];
	int number;

	if (!text_of(word, text, length))
		return NO_WORD;
	number = word_number(key, word);
	/* What it only shows */
	return key == &keys[KEY_PROFILE] && number == 3 ? NO_WORD : number;
}

static int name_number(const char *text, size_t length)
{
	char word[LONGEST + 1];
	unsigned int i;

	if (!text_of(word, text, length))
		return NO_WORD;
	for (i = 0; i < NR_NAMES; i++) {
		if (!strcmp(word, names[i]))
			return i;
	}
	return NO_WORD;
}

/* Whether what a write to a file of policy/ did is what it should do */
static bool right(const struct key *key, int number, bool taken, bool locked,
		  const struct state *before, const struct state *after)
{
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++) {
		if (after->policy[i] == NO_WORD)
			return false;
		if (locked && i != KEY_PROFILE &&
		    after->policy[i] < before->policy[i])
			return false;
	}
	if (!taken)
		return !memcmp(before, after, sizeof(*before)) &&
		       (number == NO_WORD || locked);
	if (number == NO_WORD || after->policy[key - keys] != number)
		return false;
	for (i = 0; i < NR_KEYS && key != &keys[KEY_PROFILE]; i++) {
		if (i != KEY_PROFILE && i != key - keys &&
		    after->policy[i] != before->policy[i])
			return false;
	}
	return after->lines == before->lines;
}

/* The same of returns/guard and returns/unguard */
static bool right_guarded(int number, bool guard, bool taken, bool locked,
			  const struct state *before, const struct state *after)
{
	if (!taken)
		return !memcmp(before, after, sizeof(*before));
	if (number == NO_WORD || locked ||
	    memcmp(before->policy, after->policy, sizeof(before->policy)))
		return false;
	if (number == NAME_ALL)
		return guard ? after->guarded[NAME_ALL] == 1 : !after->lines;
	return after->guarded[number] == guard &&
	       before->guarded[number] == !guard &&
	       after->lines == before->lines + (guard ? 1 : -1);
}

FIXTURE(fuzz)
{
	long count;
	long taken;
	long guarded;	/* of these, by files of returns/ */
	bool locked;
};

FIXTURE_SETUP(fuzz)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");

	srandom(seed ? strtoul(seed, NULL, 0) : 1);
	ASSERT_EQ(0, system("modprobe dummy numdummies=0"));
	ASSERT_EQ(0, load_test_module("carapace_vuln"));
	self->count = count ? atol(count) : 500;
	ASSERT_EQ(0, attach());
	ASSERT_EQ(0, nftw(SYSFS, note_file, 16, FTW_PHYS));
	ASSERT_LT(50, nr_files);
}

FIXTURE_TEARDOWN(fuzz)
{
	if (!self->locked) {
		detach();
		unload_module("carapace_vuln");
		unload_module("dummy");
	}
}

static long tainted(void)
{
	return atol(read_text("/proc/sys/kernel/tainted"));
}

/* What was written, and what there is: for who has to find out why */
static void tell(const char *text, size_t length, bool taken,
		 const struct state *before, const struct state *after)
{
	size_t i;

	printf("# %s: '", taken ? "taken" : "refused");
	for (i = 0; i < length && i < 64; i++)
		printf(isprint(text[i]) ? "%c" : "\\x%02x", (__u8)text[i]);
	printf("', %zu bytes\n", length);
	for (i = 0; i < NR_KEYS; i++)
		printf("# %s: %d, %d\n", keys[i].name, before->policy[i],
		       after->policy[i]);
	for (i = 0; i < NR_NAMES; i++)
		printf("# guarded %s: %d, %d\n", names[i], before->guarded[i],
		       after->guarded[i]);
	printf("# guarded in all: %d, %d\n", before->lines, after->lines);
}

/* One write; false where it did something that it should not */
static bool write_once(const char *path, bool locked, long *taken_count,
		       long *guarded_count)
{
	bool guard = !strcmp(path, GUARD);
	bool taken, is_right, guards = guard || !strcmp(path, UNGUARD);
	const struct key *key = key_of(path);
	struct state before, after;
	char text[LONGEST];
	size_t length;
	int fd, number;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return !key && !guards && (errno == EINVAL || errno == EACCES);
	length = random_text(text, guards ? random_name() : random_word());
	number = key ? text_means(key, text, length) : NO_WORD;
	/* Nothing else comes after that one: it has its turn at the end. */
	if (key && !strcmp(key->name, "lock") && number == 1 && !locked) {
		close(fd);
		return true;
	}
	before = read_state();
	taken = length && write(fd, text, length) > 0;
	close(fd);
	after = read_state();
	*taken_count += taken;
	*guarded_count += taken && guards;
	/* No word and no error: nothing was written */
	if (key && length)
		is_right = right(key, number, taken, locked, &before, &after);
	else if (guards)
		is_right = right_guarded(name_number(text, length), guard, taken,
					 locked, &before, &after);
	else
		is_right = !memcmp(&before, &after, sizeof(before));
	if (!is_right)
		tell(text, length, taken, &before, &after);
	return is_right;
}

static const char *any_file(void)
{
	const char *path;

	if (below(6) == 0)
		return below(2) ? GUARD : UNGUARD;
	/* Most cannot be written. */
	do {
		path = files[below(nr_files)];
	} while (access(path, F_OK) || (!key_of(path) && below(16)));
	return path;
}

TEST_F_TIMEOUT(fuzz, no_write_does_harm, 1500)
{
	long i, taints = tainted();

	for (i = 0; i < self->count; i++) {
		const char *path = any_file();

		if (i == self->count * 3 / 4) {
			ASSERT_EQ(0, write_text(POLICY "lock", "on"));
			self->locked = true;
		}
		ASSERT_TRUE(write_once(path, self->locked, &self->taken,
				       &self->guarded)) {
			TH_LOG("write %ld, to %s", i, path);
		}
		if (i % 64 == 0)
			ASSERT_EQ(taints, tainted());
	}
	ASSERT_EQ(taints, tainted());
	ASSERT_TRUE(state_is("attached"));
	TH_LOG("%ld writes to %d files, %ld of them taken, %ld in returns/",
	       self->count, nr_files, self->taken, self->guarded);
	EXPECT_LT(self->count / 20, self->taken);
	EXPECT_LT(self->count / 100, self->guarded);
}

TEST_HARNESS_MAIN
