/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C tests share: modules, CPUs, sysfs, ring 0
 */
#ifndef CARAPACE_TESTS_GUEST_H
#define CARAPACE_TESTS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "modules/ring0_exec.h"
#include "../../vmx/hypercall.h"

#define CPUS_MAX	64
#define SYSFS		"/sys/kernel/carapace"

/* Exception vectors */
#define VECTOR_UD	6
#define VECTOR_GP	13
#define VECTOR_PF	14

static inline const char *carapace_ko(void)
{
	const char *path = getenv("CARAPACE_KO");

	return path ? path : "/root/carapace.ko";
}

static inline const char *carapace_testing_ko(void)
{
	const char *path = getenv("CARAPACE_TESTING_KO");

	return path ? path : "/root/carapace-testing.ko";
}

/* 0 or a negative errno */
static inline int load_module(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return err;
}

static inline int unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static inline int attach(void)
{
	const char *parameters = getenv("CARAPACE_PARAMETERS");

	return load_module(carapace_ko(), parameters ? parameters : "");
}

static inline int detach(void)
{
	return unload_module("carapace");
}

/* A module of the tests' own, from where the program is; it may be there. */
static inline int load_test_module(const char *name)
{
	char path[PATH_MAX];
	ssize_t length;
	int err;

	length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (length < 0)
		return -errno;
	path[length] = 0;
	*strrchr(path, '/') = 0;
	length = strlen(path);
	snprintf(path + length, sizeof(path) - length, "/modules/%s.ko", name);
	err = load_module(path, "");
	return err == -EEXIST ? 0 : err;
}

static inline int pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* The CPUs that are online, as far as this process may use them: all */
static inline int online_cpus(int cpus[CPUS_MAX])
{
	cpu_set_t all, set;
	int cpu, count = 0;

	CPU_ZERO(&all);
	for (cpu = 0; cpu < CPUS_MAX; cpu++)
		CPU_SET(cpu, &all);
	sched_setaffinity(0, sizeof(all), &all);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (CPU_ISSET(cpu, &set))
			cpus[count++] = cpu;
	}
	return count;
}

/* The text of a small file without its newline; "" when there is none */
static inline const char *read_text(const char *path)
{
	static char text[4096];
	ssize_t length = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[length < 0 ? 0 : length] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

static inline int write_text_by(const char *path, const char *text, int flags)
{
	ssize_t length;
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	length = write(fd, text, strlen(text));
	close(fd);
	return length < 0 ? -errno : 0;
}

/* 0 or a negative errno */
static inline int write_text(const char *path, const char *text)
{
	return write_text_by(path, text, 0);
}

/* The same, to files of tracing's that would forget what was there before */
static inline int append_text(const char *path, const char *text)
{
	return write_text_by(path, text, O_APPEND);
}

/*
 * For tests of how an instruction behaves: what the guards are there to stop is
 * part of them. Some registers stay for the execution guard's sake, too.
 */
static inline int attach_unguarded(void)
{
	int err = attach();

	if (!err)
		err = write_text(SYSFS "/policy/registers", "off");
	if (!err)
		err = write_text(SYSFS "/policy/exec", "off");
	return err;
}

/* A number of a CPU's in stats/; -1 when there is none */
static inline long long cpu_stat(int cpu, const char *name)
{
	char path[PATH_MAX];
	const char *text;

	snprintf(path, sizeof(path), SYSFS "/stats/cpu%d/%s", cpu, name);
	text = read_text(path);
	return *text ? atoll(text) : -1;
}

static inline bool state_is(const char *state)
{
	return !strcmp(read_text(SYSFS "/state"), state);
}

static inline void cpuid(__u32 leaf, __u32 subleaf, __u32 regs[4])
{
	asm volatile("cpuid"
		     : "=a" (regs[0]), "=b" (regs[1]), "=c" (regs[2]),
		       "=d" (regs[3])
		     : "0" (leaf), "2" (subleaf));
}

static inline bool cpuid_shows_vmx(void)
{
	__u32 regs[4];

	cpuid(1, 0, regs);
	return regs[2] & 1 << 5;
}

static inline int ring0_open(void)
{
	int err = load_test_module("ring0_exec");

	if (err)
		return err;
	return open("/dev/ring0_exec", O_RDWR | O_CLOEXEC);
}

/* The vector or RING0_NO_FAULT; results in @q */
static inline __u32 ring0(int fd, struct ring0_request *q)
{
	if (ioctl(fd, RING0_EXEC, q)) {
		fprintf(stderr, "# ring0_exec: op %u: %s\n", q->op,
			strerror(errno));
		exit(1);
	}
	return q->vector;
}

#endif /* CARAPACE_TESTS_GUEST_H */
