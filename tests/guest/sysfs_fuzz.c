// SPDX-License-Identifier: GPL-2.0
/*
 * Random writes to every file in /sys/kernel/carapace
 *
 * Whatever is written: a file that cannot be written does not open, one of
 * policy/ takes a word of its own and nothing else, what is refused changes
 * nothing, and the kernel does not complain. At last policy/lock joins in, and
 * then nothing gets weaker. FUZZ_COUNT writes (or 500), from FUZZ_SEED on.
 */
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

#define NR_KEYS		ARRAY_SIZE(keys)
#define KEY_PROFILE	0
#define ABSENT		-2
#define NO_WORD		-1

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

static int note_file(const char *path, const struct stat *status, int type,
		     struct FTW *where)
{
	if (type == FTW_F && nr_files < FILES_MAX)
		files[nr_files++] = strdup(path);
	return 0;
}

/* A word of some key's, mostly spoilt, or anything; its length */
static size_t random_text(char text[LONGEST])
{
	const struct key *key = &keys[below(NR_KEYS)];
	const char *word;
	size_t length, i;

	if (below(4) == 0) {
		length = below(8) ? below(40) :
						 below(LONGEST);
		for (i = 0; i < length; i++)
			text[i] = random();
		return length;
	}
	for (i = 0; key->words[i]; i++)
		;
	word = key->words[below(i)];
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

/* The number of the word that it is, with or without a newline */
static int text_means(const struct key *key, const char *text, size_t length)
{
	char word[LONGEST + 1];
	int number;

	memcpy(word, text, length);
	word[length] = 0;
	if (strlen(word) != length)
		return NO_WORD;
	if (length && word[length - 1] == '\n')
		word[length - 1] = 0;
	number = word_number(key, word);
	/* What it only shows */
	return key == &keys[KEY_PROFILE] && number == 3 ? NO_WORD : number;
}

/* Whether what a write did is what it should do */
static bool right(const struct key *key, int number, bool taken, bool locked,
		  const int before[NR_KEYS], const int after[NR_KEYS])
{
	bool same = !memcmp(before, after, NR_KEYS * sizeof(int));
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++) {
		if (after[i] == NO_WORD)
			return false;
		if (locked && i != KEY_PROFILE && after[i] < before[i])
			return false;
	}
	if (!taken)
		return same && (number == NO_WORD || locked);
	if (number == NO_WORD || after[key - keys] != number)
		return false;
	for (i = 0; i < NR_KEYS && key != &keys[KEY_PROFILE]; i++) {
		if (i != KEY_PROFILE && i != key - keys && after[i] != before[i])
			return false;
	}
	return true;
}

FIXTURE(fuzz)
{
	long count;
	long taken;
	bool locked;
};

FIXTURE_SETUP(fuzz)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");

	srandom(seed ? strtoul(seed, NULL, 0) : 1);
	self->count = count ? atol(count) : 500;
	ASSERT_EQ(0, attach());
	ASSERT_EQ(0, nftw(SYSFS, note_file, 16, FTW_PHYS));
	ASSERT_LT(50, nr_files);
}

FIXTURE_TEARDOWN(fuzz)
{
	if (!self->locked)
		detach();
}

static long tainted(void)
{
	return atol(read_text("/proc/sys/kernel/tainted"));
}

/* One write; false where it did something that it should not */
static bool write_once(const char *path, bool locked, long *taken_count)
{
	int before[NR_KEYS], after[NR_KEYS], fd, number;
	const struct key *key = key_of(path);
	char text[LONGEST];
	size_t length;
	bool taken;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return !key && (errno == EINVAL || errno == EACCES);
	length = random_text(text);
	number = key ? text_means(key, text, length) : NO_WORD;
	/* Nothing else comes after that one: it has its turn at the end. */
	if (key && !strcmp(key->name, "lock") && number == 1 && !locked) {
		close(fd);
		return true;
	}
	read_policy(before);
	taken = length && write(fd, text, length) > 0;
	close(fd);
	read_policy(after);
	*taken_count += taken;
	/* No word and no error: nothing was written */
	if (key && length)
		return right(key, number, taken, locked, before, after);
	return !memcmp(before, after, sizeof(before));
}

static const char *any_file(void)
{
	const char *path;

	/* Most cannot be written. */
	do {
		path = files[below(nr_files)];
	} while (access(path, F_OK) ||
		 (!key_of(path) && below(16)));
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
		ASSERT_TRUE(write_once(path, self->locked, &self->taken)) {
			TH_LOG("write %ld, to %s", i, path);
		}
		if (i % 64 == 0)
			ASSERT_EQ(taints, tainted());
	}
	ASSERT_EQ(taints, tainted());
	ASSERT_TRUE(state_is("attached"));
	TH_LOG("%ld writes to %d files, %ld of them taken", self->count,
	       nr_files, self->taken);
	EXPECT_LT(self->count / 20, self->taken);
}

TEST_HARNESS_MAIN
