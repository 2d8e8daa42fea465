// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions in ring 0 and ring 3 do what they do on the bare CPU
 *
 * The same trials run bare and attached, in the sandbox of modules/fuzz.ko, and
 * give the same hashes; where they don't, the trial is shown whole. What is
 * documented to differ does: see FUZZ_DOCUMENTED.
 *
 * This is for a machine of "scripts/lab run --smp 1 --strict-msrs": where MSRs
 * that the CPU has not can be written to, one documented difference is none;
 * with several CPUs, trials with code breakpoints are left out.
 *
 * In the environment:
 *
 *   FUZZ_SEED, FUZZ_START, FUZZ_COUNT	which trials: of this seed, from this
 *					number on, that many
 *   FUZZ_SHOW=N	show trial N of the seed, in the state that the machine
 *			is in, and nothing else
 *   FUZZ_VERBOSE=1	print each trial before it runs
 *
 * A trial depends on seed and number alone, not on what ran before it; and, where
 * an operand is one of the sandbox's tables, on where the kernel put these. So
 * what failed can be had again: FUZZ_SEED=S FUZZ_SHOW=N. Where the machine
 * hangs or dies instead, the last "at trial" gives FUZZ_START, and FUZZ_VERBOSE
 * shows the rest of the way, each trial before it runs.
 */
#include <inttypes.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>

#include <kselftest_harness.h>

#include "guest.h"
#include "modules/fuzz.h"

#define CHUNK		4096
#define PROGRESS	(64 * CHUNK)
#define ENOUGH		50000	/* for every kind and row to be among them */
#define SHOWN_MAX	16

struct totals {
	__u64 tried, excluded, faulted;
	__u64 kinds[FUZZ_KIND_COUNT];
	__u64 covered[FUZZ_DOCUMENTED_COUNT];
	__u64 differed[FUZZ_DOCUMENTED_COUNT];
};

static struct totals bare, again, attached;
static __u64 seed, start, end, shown, mismatches;
static __u64 mismatch[SHOWN_MAX];
static struct fuzz_look looks[SHOWN_MAX];
static __u32 *hashes;
static bool stayed;
static char said[4096];
static const char *trouble;
static int device;
static bool verbose;

static __u64 from_environment(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static const char *const kind_names[] = {
#define X(name, text) text,
	FUZZ_KINDS(X)
#undef X
};

static const char *const mode_names[FUZZ_MODES] = {
	"ring 0", "ring 0, 32 bits", "ring 0, 16 bits",
	"ring 3", "ring 3, 32 bits", "ring 3, 16 bits",
};

static const char *const result_names[] = {
#define X(name) #name,
	FUZZ_RESULTS(X)
#undef X
};

#define RESULTS		(sizeof(result_names) / sizeof(*result_names))

static void show_words(const char *name, const __u64 *words, int n)
{
	int i;

	printf("#   %s", name);
	for (i = 0; i < n; i++)
		printf(" %llx", words[i]);
	printf("\n");
}

static void show_trial(const struct fuzz_look *look)
{
	const struct fuzz_trial *t = &look->trial;
	int i;

	printf("# seed %llu trial %llu: %s; %s%s\n#   bytes", look->seed,
	       look->number, kind_names[t->kind], mode_names[t->mode],
	       look->excluded ? "; left out" : "");
	for (i = 0; i < t->length; i++)
		printf(" %02x", t->bytes[i]);
	printf("\n#   rip %llx rflags %llx cr0 %llx cr4 %llx dr7 %llx pkru %x mxcsr %x x87 %x\n",
	       t->rip, t->rflags, t->cr0, t->cr4, t->dr7, t->pkru, t->mxcsr,
	       t->x87_control_status);
	show_words("rax rcx rdx rbx rsp rbp rsi rdi", t->gpr, 8);
	show_words("r8 to r15", t->gpr + 8, 8);
	show_words("dr", t->dr, 4);
	show_words("operands", t->operands, FUZZ_OPERAND_WORDS);
	show_words("stack", t->stack, FUZZ_STACK_WORDS);
	if (t->kind == FUZZ_MSR)
		printf("#   msr %x\n", t->msr);
	if (t->kind == FUZZ_DESCRIPTOR)
		show_words("descriptors", t->descriptors, FUZZ_DESCRIPTORS);
	if (t->kind == FUZZ_PAGING)
		show_words("flipped in entries", t->entry_flips, FUZZ_LEVELS);
}

/* All results of the first one, or those in which they differ */
static void show_results(const struct fuzz_look *a, const struct fuzz_look *b)
{
	const __u64 *x = (const __u64 *)&a->result;
	const __u64 *y = b ? (const __u64 *)&b->result : NULL;
	int i;

	for (i = 0; i < RESULTS; i++) {
		if (!y)
			printf("#   %s %llx\n", result_names[i], x[i]);
		else if (x[i] != y[i] || i < 3)
			printf("#   %s: bare %llx, attached %llx\n",
			       result_names[i], x[i], y[i]);
	}
}

static struct fuzz_look look_at(__u64 number, bool dry)
{
	struct fuzz_look look = { .seed = seed, .number = number, .dry = dry };

	if (ioctl(device, FUZZ_LOOK, &look)) {
		perror("# FUZZ_LOOK");
		exit(1);
	}
	return look;
}

static void add(struct totals *totals, const struct fuzz_run *run)
{
	int i;

	totals->tried += run->tried;
	totals->excluded += run->excluded;
	totals->faulted += run->faulted;
	for (i = 0; i < FUZZ_KIND_COUNT; i++)
		totals->kinds[i] += run->kinds[i];
	for (i = 0; i < FUZZ_DOCUMENTED_COUNT; i++) {
		totals->covered[i] += run->covered[i];
		totals->differed[i] += run->differed[i];
	}
}

static void run_chunk(__u64 first, __u32 *to, bool is_attached,
		      struct totals *totals)
{
	struct fuzz_run run = {
		.seed = seed,
		.first = first,
		.count = end - first < CHUNK ? end - first : CHUNK,
		.attached = is_attached,
		.hashes = (__u64)(unsigned long)to,
	};

	if (verbose) {
		__u64 i;

		for (i = 0; i < run.count; i++) {
			struct fuzz_look look = look_at(first + i, true);

			show_trial(&look);
			fflush(stdout);
			tcdrain(STDOUT_FILENO);
			look_at(first + i, false);
		}
	}
	if (first > start && (first - start) % PROGRESS == 0) {
		printf("# %s: at trial %llu\n",
		       is_attached ? "attached" : "bare", first);
		fflush(stdout);
	}
	if (ioctl(device, FUZZ_RUN, &run)) {
		perror("# FUZZ_RUN");
		exit(1);
	}
	add(totals, &run);
}

static void compare(__u64 first, const __u32 *found)
{
	__u64 i;

	for (i = 0; i < CHUNK && first + i < end; i++) {
		if (found[i] == hashes[first + i])
			continue;
		if (mismatches++ < SHOWN_MAX)
			mismatch[shown++] = first + i;
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Everything that the kernel logs from now on */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	lseek(fd, 0, SEEK_END);
	return fd;
}

static void log_read(int fd, char *text, size_t size)
{
	char record[1024];
	ssize_t length;

	while ((length = read(fd, record, sizeof(record) - 1)) > 0) {
		record[length] = 0;
		strncat(text, record, size - strlen(text) - 1);
	}
}

static __u32 chunk[CHUNK];

static void look_at_mismatches(void)
{
	int i;

	for (i = 0; i < shown; i++)
		looks[i] = look_at(mismatch[i], false);
}

static const char *run_attached(void)
{
	__u64 first;
	int err, kmsg;

	/* The sandbox's code is data to Linux, and so to the guards. */
	err = attach_unguarded();
	if (!err)
		err = write_text(SYSFS "/policy/code", "off");
	if (err)
		return "could not attach";
	kmsg = log_open();
	for (first = start; first < end; first += CHUNK) {
		run_chunk(first, chunk, true, &attached);
		compare(first, chunk);
	}
	look_at_mismatches();
	stayed = state_is("attached");
	log_read(kmsg, said, sizeof(said));
	close(kmsg);
	return detach() ? "could not detach" : NULL;
}

static void show_mismatches(void)
{
	struct fuzz_look was;
	struct totals ignored = { };
	int i;

	for (i = 0; i < shown; i++) {
		__u64 all = end;

		was = look_at(mismatch[i], false);
		show_trial(&was);
		show_results(&was, &looks[i]);
		end = mismatch[i] + 1;
		run_chunk(mismatch[i], chunk, false, &ignored);
		end = all;
		if (*chunk != hashes[mismatch[i]])
			printf("#   not the same each time on the bare CPU\n");
	}
}

static const char *run_phases(void)
{
	double begin = now(), middle, after;
	const char *failed;
	__u64 first, control;

	hashes = mmap(NULL, end * sizeof(*hashes), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hashes == MAP_FAILED)
		return "no memory for hashes";
	for (first = start; first < end; first += CHUNK)
		run_chunk(first, hashes + first, false, &bare);
	/* A control: what differs without Carapace says nothing about it. */
	control = start + (end - start) / 16 + 1;
	for (first = start; first < control; first += CHUNK) {
		run_chunk(first, chunk, false, &again);
		compare(first, chunk);
	}
	if (mismatches) {
		look_at_mismatches();
		show_mismatches();
		return "trials differ from one bare run to the next";
	}
	middle = now();
	failed = run_attached();
	after = now();
	show_mismatches();
	printf("# bare %.1f s, attached %.1f s, by the guest's clock\n",
	       middle - begin, after - middle);
	return failed;
}

static void show_totals(void)
{
	int i;

	printf("# seed %llu: %llu trials, %llu left out, %llu ended in a fault; differing: %llu\n",
	       seed, bare.tried, bare.excluded, bare.faulted, mismatches);
	for (i = 0; i < FUZZ_KIND_COUNT; i++)
		printf("#   %8llu %s\n", bare.kinds[i], kind_names[i]);
}

TEST(same_faults_and_results)
{
	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	EXPECT_EQ(0, mismatches);
	EXPECT_EQ(bare.tried, attached.tried);
	EXPECT_EQ(bare.excluded, attached.excluded);
	EXPECT_LE(end - start, attached.tried + attached.excluded);
}

TEST(stays_attached_and_silent)
{
	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	EXPECT_TRUE(stayed);
	EXPECT_STREQ("", said);
}

/* Controls: the trials reach something, and neither all fault nor none */
TEST(trials_of_all_kinds)
{
	int i;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	if (end - start < ENOUGH)
		SKIP(return, "too few trials");
	for (i = 0; i < FUZZ_KIND_COUNT; i++)
		EXPECT_LT((end - start) / 100, bare.kinds[i]);
	EXPECT_LT(bare.tried / 5, bare.faulted);
	EXPECT_LT(bare.tried / 5, bare.tried - bare.faulted);
}

FIXTURE(documented) {};

FIXTURE_SETUP(documented) {}

FIXTURE_TEARDOWN(documented) {}

FIXTURE_VARIANT(documented)
{
	enum fuzz_documented row;
};

#define X(name, vector, text)						\
FIXTURE_VARIANT_ADD(documented, name) {					\
	.row = FUZZ_DIFFERS_##name,					\
};
FUZZ_DOCUMENTED(X)
#undef X

TEST_F(documented, differs)
{
	enum fuzz_documented row = variant->row;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	if (end - start < ENOUGH)
		SKIP(return, "too few trials");
	EXPECT_LT(0, attached.covered[row]);
	EXPECT_EQ(attached.covered[row], attached.differed[row]);
	EXPECT_EQ(attached.covered[row], bare.covered[row]);
	EXPECT_GT(bare.covered[row], bare.differed[row]);
}

int main(int argc, char **argv)
{
	const char *show = getenv("FUZZ_SHOW");
	int err = load_test_module("fuzz");

	seed = from_environment("FUZZ_SEED", 1);
	start = from_environment("FUZZ_START", 0);
	end = start + from_environment("FUZZ_COUNT", 200000);
	device = open("/dev/fuzz", O_RDWR | O_CLOEXEC);
	if (err || device < 0) {
		trouble = "no fuzz.ko";
		return test_harness_run(argc, argv);
	}
	verbose = from_environment("FUZZ_VERBOSE", 0);
	pin_to_cpu(0);
	if (show) {
		struct fuzz_look look = look_at(strtoull(show, NULL, 0), false);

		show_trial(&look);
		show_results(&look, NULL);
		return 0;
	}
	trouble = run_phases();
	show_totals();
	fflush(stdout);
	return test_harness_run(argc, argv);
}
