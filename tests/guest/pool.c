// SPDX-License-Identifier: GPL-2.0
/*
 * The pool's memory reads as zeros and cannot be written; and what happens when
 * there is none left
 *
 * Through a fresh mapping and through /proc/kcore; each refused write counts.
 * Only the pages that root shows are read, and those cannot be written either.
 * Controls: a page of our own is read and written in the same ways while
 * attached, and the pool's own addresses can be written once it is gone.
 */
#include <elf.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <kselftest_harness.h>

#include "guest.h"

#define PAGE		4096UL
#define CHUNK		(2UL << 20)
#define PATTERN		0x0123456789abcdefUL
#define ATTEMPTS	8	/* that one instruction gets (vmx/decoy.c) */
#define FILTERS		150

FIXTURE(pool)
{
	int device;
	__u64 start;		/* the pool's first chunk */
	__u64 used;		/* bytes in use */
};

FIXTURE_SETUP(pool)
{
	self->device = ring0_open();
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, load_module(carapace_testing_ko(), ""));
	self->start = strtoull(read_text("/sys/module/carapace/parameters/pool_pa"),
			       NULL, 0);
	ASSERT_NE(0, self->start);
	self->start &= ~(CHUNK - 1);
	self->used = strtoull(read_text(SYSFS "/stats/pool_used_bytes"), NULL,
			      0);
	/* Who writes there shall live to tell. */
	ASSERT_EQ(0, write_text(SYSFS "/policy/action", "log"));
	ASSERT_EQ(0, pin_to_cpu(0));
}

FIXTURE_TEARDOWN(pool)
{
	detach();
	close(self->device);
}

/* The vector; the word in @word, all of the page's words together in @all */
static __u32 read_physical(int device, __u64 pa, __u64 *word, __u64 *all)
{
	struct ring0_request q = {
		.op = RING0_read_physical,
		.arg = { pa },
	};

	ring0(device, &q);
	*word = q.result[0];
	*all = q.result[1];
	return q.vector;
}

static __u32 or_physical(int device, __u64 pa, __u64 bits)
{
	struct ring0_request q = {
		.op = RING0_or_physical,
		.arg = { pa, bits },
	};

	return ring0(device, &q);
}

static __u64 physical_address(const void *address)
{
	__u64 entry = 0;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(fd, &entry, sizeof(entry),
		  (unsigned long)address / PAGE * sizeof(entry)) < 0)
		entry = 0;
	close(fd);
	return (entry & ((1UL << 55) - 1)) * PAGE;
}

/* A page of ours, full of something */
static __u64 *own_page(void)
{
	__u64 *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	page[0] = PATTERN;
	return page;
}

/* Of the kernel's memory as a core file: true when there was something */
static bool read_kcore(__u64 pa, void *buffer, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	bool found = false;
	int fd, i;

	fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		header.e_phnum = 0;
	for (i = 0; i < header.e_phnum && !found; i++) {
		if (pread(fd, &segment, sizeof(segment), header.e_phoff +
			  i * sizeof(segment)) != sizeof(segment))
			break;
		if (segment.p_type != PT_LOAD || pa < segment.p_paddr ||
		    pa - segment.p_paddr >= segment.p_memsz)
			continue;
		found = pread(fd, buffer, size, segment.p_offset +
			      (pa - segment.p_paddr)) == size;
	}
	close(fd);
	return found;
}

TEST_F(pool, reads_as_zeros)
{
	__u64 word, all, offset, shown = 0;

	for (offset = 0; offset < CHUNK; offset += PAGE) {
		ASSERT_EQ(RING0_NO_FAULT,
			  read_physical(self->device, self->start + offset,
					&word, &all));
		shown += !!all;
	}
	/* One page for each CPU, and one for all; much more is in use. */
	EXPECT_LE(shown, 1 + sysconf(_SC_NPROCESSORS_CONF));
	EXPECT_LT(0, shown);
	EXPECT_LT(2 * shown * PAGE, self->used);
}

TEST_F(pool, cannot_be_written)
{
	long long before = cpu_stat(0, "pool_accesses");
	__u64 word, all, offset;

	for (offset = 0; offset < CHUNK; offset += PAGE)
		EXPECT_EQ(RING0_NO_FAULT, or_physical(self->device,
						      self->start + offset,
						      PATTERN));
	/* An NMI that tells of one can come before the next is done: twice, then */
	EXPECT_LE(CHUNK / PAGE, cpu_stat(0, "pool_accesses") - before);
	EXPECT_TRUE(state_is("attached"));

	EXPECT_EQ(RING0_NO_FAULT,
		  read_physical(self->device, self->start + CHUNK - PAGE,
				&word, &all));
	EXPECT_EQ(0, word);
}

TEST_F(pool, reads_as_zeros_in_kcore)
{
	static __u64 page[PAGE / sizeof(__u64)];
	__u64 offset, all, shown = 0;
	__u64 *own = own_page();
	int i;

	for (offset = 0; offset < CHUNK; offset += PAGE) {
		ASSERT_TRUE(read_kcore(self->start + offset, page, PAGE));
		for (i = 0, all = 0; i < PAGE / sizeof(__u64); i++)
			all |= page[i];
		shown += !!all;
	}
	EXPECT_LE(shown, 1 + sysconf(_SC_NPROCESSORS_CONF));

	/* Control: kcore shows what there is. */
	ASSERT_TRUE(read_kcore(physical_address(own), page, PAGE));
	EXPECT_EQ(PATTERN, page[0]);
}

/* A filter that takes some pages, and cuts datagrams to @length: errno */
static int cut_to(int fd, __u32 length)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program = { BPF_MAXINSNS, code };
	int i;

	for (i = 0; i < BPF_MAXINSNS - 1; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i);
	code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, length);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) ? errno : 0;
}

static long arrives(const int sockets[2])
{
	char text[] = "as long as this";

	if (send(sockets[0], text, sizeof(text), 0) != sizeof(text))
		return -1;
	return recv(sockets[1], text, sizeof(text), MSG_DONTWAIT);
}

static long unsealed(void)
{
	return atol(read_text(SYSFS "/stats/code_unsealed"));
}

/*
 * What was not run has cut nothing. Some may be in memory that is mapped in pages small
 * enough. Control: once detached, the same one runs.
 */
TEST_F(pool, without_memory_new_code_is_not_run)
{
	struct ring0_request q = {
		.op = RING0_vmcall,
		.arg = { HYPERCALL_MAGIC, HYPERCALL_TEST_TABLES },
	};
	int sockets[2], i;
	long length;

	ASSERT_EQ(0, write_text("/proc/sys/net/core/bpf_jit_enable", "1"));
	ASSERT_EQ(0, write_text(SYSFS "/policy/action", "block"));
	ASSERT_EQ(0, unsealed());
	ASSERT_EQ(RING0_NO_FAULT, ring0(self->device, &q));
	for (i = 0; i < FILTERS && !unsealed(); i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
		ASSERT_EQ(0, cut_to(sockets[1], 5));
		length = arrives(sockets);
		EXPECT_EQ(unsealed() ? 16 : 5, length);
	}
	EXPECT_LT(0, unsealed());
	EXPECT_EQ(0, system("dmesg | grep -q 'carapace: no memory is left to seal new code'"));
	EXPECT_NE(0, system("dmesg | grep -q 'carapace: ATTACK kind=exec'"));
	EXPECT_TRUE(state_is("attached"));
	EXPECT_EQ(0, detach());
	EXPECT_EQ(5, arrives(sockets));
}

/* Control: it is the pool that is refused, not the way there. */
TEST_F(pool, is_all_that_is_hidden)
{
	__u64 *own = own_page();
	__u64 pa = physical_address(own);
	__u64 word, all;

	ASSERT_NE(0, pa);
	EXPECT_EQ(RING0_NO_FAULT, read_physical(self->device, pa, &word, &all));
	EXPECT_EQ(PATTERN, word);
	EXPECT_EQ(RING0_NO_FAULT, or_physical(self->device, pa, ~0UL));
	EXPECT_EQ(~0UL, own[0]);
}

/* Control: and only as long as it is the pool. Nothing is changed there. */
TEST_F(pool, is_hidden_no_longer_than_attached)
{
	__u64 last = self->start + CHUNK - PAGE;

	long long before = cpu_stat(0, "pool_accesses"), count;

	EXPECT_EQ(RING0_NO_FAULT, or_physical(self->device, last, 0));
	/* What comes between the exit and the next try makes it two, or more. */
	count = cpu_stat(0, "pool_accesses") - before;
	EXPECT_LE(1, count);
	EXPECT_GE(ATTEMPTS, count);
	ASSERT_EQ(0, detach());
	EXPECT_EQ(RING0_NO_FAULT, or_physical(self->device, last, 0));
}

TEST_HARNESS_MAIN
