// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to make code and to patch it: a page, a place; and memory
 *
 * usage: bench_code [FUNCTIONS]
 *
 * The function tracer is turned on and off for FUNCTIONS, a pattern of ftrace's,
 * or for all that there are.
 */
#include <linux/filter.h>
#include <sys/socket.h>

#include <kselftest.h>

#include "bench_meter.h"

#define TRACING		"/sys/kernel/tracing/"
#define PAGE		4096

/* To reach, in exits and instructions */
#define SITE_EXITS_MAX	4.0
#define SITE_MAX	30000.0
#define PAGE_EXITS_MAX	8.0
#define PAGE_MAX	60000.0
/* The same where copying is no single instruction, for want of FSRM: as it is */
#define PAGE_EXITS_SLOW	100.0
#define PAGE_SLOW	600000.0
#define POOL_MAX	(4LL << 20)

#define PROGRAMS	32
/* Each is seven bytes, when it is compiled. */
#define INSTRUCTIONS	500
#define PROGRAM_PAGES	1

struct cost {
	unsigned long long instructions;
	struct exits exits;
};

static void begin(struct cost *c)
{
	memset(c, 0, sizeof(*c));
	count_exits(&c->exits, -1);
	meter_start();
	c->instructions = executed();
}

static void end(struct cost *c)
{
	c->instructions = executed() - c->instructions;
	meter_stop();
	count_exits(&c->exits, 1);
}

static void must_write(const char *path, const char *text)
{
	int err = write_text(path, text);

	if (err)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(-err));
}

/* How many functions the tracer is on for, without Carapace's own */
static long functions(void)
{
	FILE *file = fopen(TRACING "enabled_functions", "r");
	char *line = NULL;
	size_t room = 0;
	long lines = 0;

	if (!file)
		ksft_exit_fail_msg("enabled_functions: %s\n", strerror(errno));
	while (getline(&line, &room, file) >= 0)
		lines += !strstr(line, "[carapace]");
	free(line);
	fclose(file);
	return lines;
}

/* What was written before stays, unless the file is cut off. */
static void trace_all_functions(void)
{
	int fd = open(TRACING "set_ftrace_filter", O_WRONLY | O_TRUNC);

	if (fd < 0)
		ksft_exit_fail_msg("set_ftrace_filter: %s\n", strerror(errno));
	close(fd);
}

/* Return: how many functions there are more on account of it */
static long trace(const char *pattern, struct cost *on, struct cost *off)
{
	long before = functions(), sites;

	must_write(TRACING "set_ftrace_filter", pattern);
	must_write(TRACING "tracing_on", "0");
	begin(on);
	must_write(TRACING "current_tracer", "function");
	end(on);
	sites = functions() - before;
	begin(off);
	must_write(TRACING "current_tracer", "nop");
	end(off);
	trace_all_functions();
	must_write(TRACING "tracing_on", "1");
	return sites;
}

/* Programs of about a page each, and all are kept: so each is on another page. */
static void load_programs(int *sockets, struct cost *c)
{
	static struct sock_filter code[INSTRUCTIONS];
	const struct sock_fprog program = { INSTRUCTIONS, code };
	int i;

	for (i = 0; i < INSTRUCTIONS - 1; i++)
		code[i] = (struct sock_filter)
			BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x12345678 + i);
	code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	for (i = 0; i < PROGRAMS; i++)
		sockets[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	begin(c);
	for (i = 0; i < PROGRAMS; i++) {
		if (setsockopt(sockets[i], SOL_SOCKET, SO_ATTACH_FILTER,
			       &program, sizeof(program)))
			ksft_exit_fail_msg("BPF: %s\n", strerror(errno));
	}
	end(c);
}

static void drop_programs(const int *sockets, struct cost *c)
{
	int i;

	begin(c);
	for (i = 0; i < PROGRAMS; i++)
		close(sockets[i]);
	/* They are freed after a grace period, by others. */
	usleep(100000);
	end(c);
}

static long long stat_of(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS "/stats/%s", name);
	return atoll(read_text(path));
}

static double each(long long count, long of)
{
	return (double)count / of;
}

/* @bare: the same without Carapace */
static void judge(const char *what, const struct cost *bare,
		  const struct cost *attached, long of, double exits_max,
		  double more_max)
{
	double exits = each(attached->exits.other, of);
	double base = each(bare->instructions, of);
	double more = each(attached->instructions, of) - base;

	ksft_test_result(exits <= exits_max && more < more_max,
			 "%s: %.2f exits each, %.0f instructions more than %.0f, %.3f INVEPTs, %.3f CPUs kicked; %ld of them\n",
			 what, exits, more, base,
			 each(attached->exits.invepts, of),
			 each(attached->exits.kicks, of), of);
}

int main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "*";
	struct cost on[2], off[2], load[2], drop[2];
	long sites[2], pages = PROGRAMS * PROGRAM_PAGES;
	int sockets[PROGRAMS];
	long long ept_4k, ept_2m;
	int i, err, slow;

	ksft_print_header();
	ksft_set_plan(6);
	meter_prepare();
	/* The first time differs: ftrace makes room, BPF memory. */
	trace(pattern, &on[0], &off[0]);
	load_programs(sockets, &load[0]);
	drop_programs(sockets, &drop[0]);
	for (i = 0; i < 2; i++) {
		err = i ? attach() : 0;
		if (err)
			ksft_exit_fail_msg("attach: %s\n", strerror(-err));
		load_programs(sockets, &load[i]);
		drop_programs(sockets, &drop[i]);
		sites[i] = trace(pattern, &on[i], &off[i]);
	}

	judge("a function that is traced", &on[0], &on[1], sites[1],
	      SITE_EXITS_MAX, SITE_MAX);
	judge("a function that is no longer traced", &off[0], &off[1], sites[1],
	      SITE_EXITS_MAX, SITE_MAX);
	ksft_test_result(sites[0] == sites[1] && sites[0] > 10,
			 "%ld functions are traced bare, %ld attached\n",
			 sites[0], sites[1]);
	slow = system("grep -qw fsrm /proc/cpuinfo");
	judge("a page of new code", &load[0], &load[1], pages,
	      slow ? PAGE_EXITS_SLOW : PAGE_EXITS_MAX, slow ? PAGE_SLOW : PAGE_MAX);
	judge("a page of code that goes", &drop[0], &drop[1], pages,
	      PAGE_EXITS_MAX, PAGE_MAX);
	ept_4k = stat_of("ept_4k");
	ept_2m = stat_of("ept_2m");
	ksft_test_result(ept_4k > 0 && stat_of("pool_used_bytes") < POOL_MAX,
			 "%lld pages of 2 MiB are split (%lld are whole); %lld KiB of memory are used\n",
			 ept_4k / 512, ept_2m, stat_of("pool_used_bytes") >> 10);
	detach();
	ksft_finished();
}
