// SPDX-License-Identifier: GPL-2.0
/*
 * What processes ask of the kernel that goes through its choke points
 *
 * As root, each in a process of its own: who is taken for an attacker is killed.
 * Whether there was a report is for others to see. What a machine does not have
 * (a type of keys, namespaces of users) fails, and that is as good.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#define NOBODY	65534

/* Protocol families that are modules, of which there is none here */
#define FAMILY_FIRST	40
#define FAMILY_LAST	45

static void set_ids(void)
{
	const gid_t group = NOBODY;

	setfsgid(NOBODY);
	setfsuid(NOBODY);
	setgroups(1, &group);
	setregid(-1, NOBODY);
	setresgid(NOBODY, NOBODY, 0);
	setgid(0);
	setreuid(-1, NOBODY);
	setresuid(NOBODY, NOBODY, 0);
	setuid(0);
}

static void change_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	syscall(SYS_capget, &header, data);
	data[0].inheritable = data[0].permitted;
	syscall(SYS_capset, &header, data);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0);
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
}

static void change_namespaces(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
		CLONE_NEWCGROUP);
	setns(fd, CLONE_NEWUTS);
	unshare(CLONE_NEWUSER | CLONE_NEWPID);
}

/* The parent's is changed as it goes back to user mode. */
static void change_keyrings(void)
{
	pid_t pid;

	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	pid = fork();
	if (pid) {
		waitpid(pid, NULL, 0);
		getppid();
		return;
	}
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	_exit(syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT) != 0);
}

/* /sbin/request-key is asked for it, whether it is there or not. */
static void ask_for_a_key(void)
{
	syscall(SYS_request_key, "user", "carapace-test", "", 0);
}

static void ask_for_modules(void)
{
	int family;

	for (family = FAMILY_FIRST; family <= FAMILY_LAST; family++)
		socket(family, SOCK_STREAM, 0);
}

static void execute(void)
{
	execl("/bin/true", "true", NULL);
}

/* To a program, if core_pattern names one */
static void dump_core(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	setrlimit(RLIMIT_CORE, &unlimited);
	abort();
}

/* Makes code, and gives it back */
static void filter_packets(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter),
		.filter = filter,
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		   sizeof(program));
	close(fd);
}

static const struct user {
	const char *name;
	void (*run)(void);
} users[] = {
	{ "IDs", set_ids },
	{ "capabilities", change_capabilities },
	{ "namespaces", change_namespaces },
	{ "keyrings", change_keyrings },
	{ "a key", ask_for_a_key },
	{ "modules", ask_for_modules },
	{ "a program", execute },
	{ "a core dump", dump_core },
	{ "a filter of packets", filter_packets },
};

#define USERS	(sizeof(users) / sizeof(*users))

int main(void)
{
	unsigned int i;
	int status;
	pid_t pid;

	ksft_print_header();
	ksft_set_plan(USERS);
	for (i = 0; i < USERS; i++) {
		pid = fork();
		if (!pid) {
			users[i].run();
			_exit(0);
		}
		ksft_test_result(pid > 0 && waitpid(pid, &status, 0) == pid &&
				 WIFEXITED(status) && !WEXITSTATUS(status),
				 "%s\n", users[i].name);
	}
	ksft_finished();
}
