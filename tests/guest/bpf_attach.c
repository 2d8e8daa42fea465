// SPDX-License-Identifier: GPL-2.0
/*
 * Attach a BPF program to the entry, or the exit, of a module's function
 *
 * usage: bpf_attach MODULE FUNCTION fentry|fexit
 *
 * The module has to have BTF. "attached" is said; it stays until standard input
 * ends, and then how often it ran is said. The exit status is the errno of
 * attaching, or 1 where it does not come to that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_BTF_ENUM64

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

struct btf {
	char *data;
	const struct btf_header *header;
	unsigned int nr_types;	/* of this alone, without those it builds on */
};

static int read_whole(const char *name, struct btf *b)
{
	char path[128];
	struct stat s;
	size_t done = 0;
	ssize_t more;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &s))
		return -1;
	b->data = malloc(s.st_size);
	while (b->data && done < s.st_size &&
	       (more = read(fd, b->data + done, s.st_size - done)) > 0)
		done += more;
	close(fd);
	b->header = (void *)b->data;
	return done == s.st_size ? 0 : -1;
}

/* What follows a type, by its kind */
static size_t tail_size(const struct btf_type *t)
{
	size_t vlen = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return vlen * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

/*
 * Counts types. Return: the number of a function by its name, from 1 on, or 0.
 * Strings of a module's begin where the kernel's end.
 */
static unsigned int walk(struct btf *b, size_t strings_before,
			 const char *function)
{
	const char *at = b->data + b->header->hdr_len + b->header->type_off;
	const char *end = at + b->header->type_len;
	const char *strings = b->data + b->header->hdr_len +
			      b->header->str_off - strings_before;
	const struct btf_type *t;
	unsigned int found = 0;

	for (b->nr_types = 0; at < end; at += sizeof(*t) + tail_size(t)) {
		t = (const void *)at;
		b->nr_types++;
		if (function && BTF_INFO_KIND(t->info) == BTF_KIND_FUNC &&
		    t->name_off >= strings_before &&
		    !strcmp(strings + t->name_off, function))
			found = b->nr_types;
	}
	return found;
}

static int btf_of_module(const char *module)
{
	char name[64];
	struct bpf_btf_info info;
	union bpf_attr attr = { .start_id = 0 };
	int fd;

	while (!bpf(BPF_BTF_GET_NEXT_ID, &attr)) {
		union bpf_attr open_it = { .btf_id = attr.next_id };
		union bpf_attr ask = { .info.info_len = sizeof(info) };

		fd = bpf(BPF_BTF_GET_FD_BY_ID, &open_it);
		memset(&info, 0, sizeof(info));
		info.name = (__u64)name;
		info.name_len = sizeof(name);
		ask.info.bpf_fd = fd;
		ask.info.info = (__u64)&info;
		if (fd >= 0 && !bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) &&
		    info.kernel_btf && !strcmp(name, module))
			return fd;
		close(fd);
		attr.start_id = attr.next_id;
	}
	return -1;
}

static int load(int module_btf, unsigned int function, const char *where)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = strcmp(where, "fexit") ?
					BPF_TRACE_FENTRY : BPF_TRACE_FEXIT,
		.insns = (__u64)code,
		.insn_cnt = sizeof(code) / sizeof(*code),
		.license = (__u64)"GPL",
		.attach_btf_id = function,
		.attach_btf_obj_fd = module_btf,
		.log_buf = (__u64)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int program = bpf(BPF_PROG_LOAD, &attr);

	if (program < 0)
		fprintf(stderr, "it is not loaded: %s\n%s", strerror(errno), log);
	return program;
}

/* BPF_ENABLE_STATS comes too late for trampolines of 7.2. */
static void count_runs(void)
{
	int fd = open("/proc/sys/kernel/bpf_stats_enabled", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		perror("bpf_stats_enabled");
	close(fd);
}

static unsigned long long runs(int program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = {
		.info.bpf_fd = program,
		.info.info_len = sizeof(info),
		.info.info = (__u64)&info,
	};

	bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	return info.run_cnt;
}

int main(int argc, char **argv)
{
	struct btf kernel = { NULL }, module = { NULL };
	union bpf_attr attach = { 0 };
	unsigned int function;
	int program, err;
	char byte;

	if (argc != 4 || read_whole("vmlinux", &kernel) ||
	    read_whole(argv[1], &module)) {
		fprintf(stderr, "no such module with BTF\n");
		return 1;
	}
	walk(&kernel, 0, NULL);
	function = walk(&module, kernel.header->str_len, argv[2]);
	if (!function) {
		fprintf(stderr, "%s is not in its BTF\n", argv[2]);
		return 1;
	}
	count_runs();
	program = load(btf_of_module(argv[1]), kernel.nr_types + function,
		       argv[3]);
	if (program < 0)
		return 1;
	attach.raw_tracepoint.prog_fd = program;
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attach) < 0) {
		err = errno;
		fprintf(stderr, "attach: %s\n", strerror(err));
		return err;
	}
	printf("attached\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	printf("ran %llu\n", runs(program));
	return 0;
}

#else /* !HAVE_BTF_ENUM64 */

int main(void)
{
	fprintf(stderr, "bpf_attach: built with headers that know of no BTF of modules\n");
	return 4;
}

#endif /* !HAVE_BTF_ENUM64 */
