// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/fuzz: fuzz.h says what it does
 *
 * One caller at a time, on the CPU that it has pinned itself to. Trials run in
 * batches with interrupts off; between them Linux gets the CPU.
 */
#include <linux/cpufeature.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/fpu/api.h>

#include "fuzz_sandbox.h"
#include "../../../vmx/hypercall.h"

#define BATCH		256
#define COUNT_MAX	65536

#define CPUID_1_ECX_HIDDEN	(BIT_ULL(5) | BIT_ULL(6))
#define DR6_BS			BIT_ULL(14)

static DEFINE_MUTEX(fuzz_mutex);
static struct fuzz_trial trial;
static struct fuzz_result result;

static u32 hash_result(const struct fuzz_result *r)
{
	const u64 *w = (const u64 *)r;
	u64 hash = 0;
	unsigned int i;

	for (i = 0; i < sizeof(*r) / sizeof(*w); i++) {
		hash = (hash ^ w[i]) * 0x9fb21c651e98df25UL;
		hash ^= hash >> 29;
	}
	return hash ^ hash >> 32;
}

static bool completed(const struct fuzz_result *r)
{
	return (r->vector == 1 && r->dr6 & DR6_BS) || r->vector == 3;
}

/* Did the trial do what its row says happens attached? */
static bool as_documented(enum fuzz_documented row, const struct fuzz_result *r)
{
	static const u32 vectors[] = {
#define X(name, vector, text) vector,
		FUZZ_DOCUMENTED(X)
#undef X
	};

	if (vectors[row] != FUZZ_NO_FAULT)
		return r->vector == vectors[row] && !r->error_code;
	if (!completed(r))
		return false;
	switch (row) {
	case FUZZ_DIFFERS_CPUID:
		return !(r->rcx & CPUID_1_ECX_HIDDEN);
	case FUZZ_DIFFERS_HYPERCALL:
		return r->rax == HYPERCALL_PONG;
	case FUZZ_DIFFERS_HYPERCALL_REFUSED:
		return IS_ERR_VALUE(r->rax);
	default:
		return true;
	}
}

/* CPUID behind prefixes, too */
static bool shows_features(const struct fuzz_trial *t)
{
	unsigned int i;

	if ((u32)t->gpr[0] != 1)
		return false;
	for (i = 0; i + 1 < sizeof(t->bytes); i++) {
		if (t->bytes[i] == 0x0f && t->bytes[i + 1] == 0xa2)
			return true;
	}
	return false;
}

static u32 run_one(struct fuzz_run *run, u64 number)
{
	int row;

	fuzz_generate(run->seed, number, &trial);
	if (fuzz_excluded(&trial)) {
		run->excluded++;
		return 0;
	}
	sandbox_run(&trial, &result);
	run->tried++;
	run->kinds[trial.kind]++;
	run->faulted += !completed(&result);

	row = fuzz_documented(&trial);
	if (row >= 0) {
		run->covered[row]++;
		run->differed[row] += as_documented(row, &result);
		if (row != FUZZ_DIFFERS_CPUID)
			return 0;
	}
	if (shows_features(&trial))
		result.rcx &= ~CPUID_1_ECX_HIDDEN;
	return hash_result(&result);
}

static void batch(struct fuzz_run *run, u32 *hashes, u32 first, u32 count)
{
	struct sandbox_state kernel;
	unsigned long flags;
	u32 i;

	kernel_fpu_begin();
	local_irq_save(flags);
	sandbox_open(&kernel);
	for (i = first; i < first + count; i++) {
		hashes[i] = run_one(run, run->first + i);
		run->hash = (run->hash ^ hashes[i]) * 0x9fb21c651e98df25UL;
		run->hash ^= run->hash >> 29;
	}
	sandbox_close(&kernel);
	local_irq_restore(flags);
	kernel_fpu_end();
}

static long fuzz_run(struct fuzz_run *run)
{
	u64 __user *to = u64_to_user_ptr(run->hashes);
	u64 hash = run->hashes, seed = run->seed, first = run->first;
	u32 count = run->count, attached = run->attached;
	u32 *hashes;
	long err = 0;
	u32 i;

	if (!count || count > COUNT_MAX)
		return -EINVAL;
	memset(run, 0, sizeof(*run));
	run->seed = seed;
	run->first = first;
	run->count = count;
	run->attached = attached;
	run->hashes = hash;
	hashes = vzalloc(count * sizeof(*hashes));
	if (!hashes)
		return -ENOMEM;
	for (i = 0; i < count; i += BATCH) {
		batch(run, hashes, i, min_t(u32, BATCH, count - i));
		cond_resched();
	}
	if (to && copy_to_user(to, hashes, count * sizeof(*hashes)))
		err = -EFAULT;
	vfree(hashes);
	return err;
}

static void fuzz_look(struct fuzz_look *look)
{
	struct sandbox_state kernel;
	unsigned long flags;

	memset(&look->result, 0, sizeof(look->result));
	kernel_fpu_begin();
	local_irq_save(flags);
	sandbox_open(&kernel);
	fuzz_generate(look->seed, look->number, &look->trial);
	look->documented = fuzz_documented(&look->trial);
	look->excluded = fuzz_excluded(&look->trial) ? 1 : 0;
	if (!look->excluded && !look->dry)
		sandbox_run(&look->trial, &look->result);
	sandbox_close(&kernel);
	local_irq_restore(flags);
	kernel_fpu_end();
}

static union {
	struct fuzz_run run;
	struct fuzz_look look;
} request;

static long fuzz_ioctl(struct file *file, unsigned int command,
		       unsigned long arg)
{
	void __user *user = (void __user *)arg;
	size_t size = command == FUZZ_RUN ? sizeof(request.run) :
					    sizeof(request.look);
	long err = 0;

	if (command != FUZZ_RUN && command != FUZZ_LOOK)
		return -ENOTTY;
	mutex_lock(&fuzz_mutex);
	if (copy_from_user(&request, user, size))
		err = -EFAULT;
	else if (command == FUZZ_RUN)
		err = fuzz_run(&request.run);
	else
		fuzz_look(&request.look);
	if (!err && copy_to_user(user, &request, size))
		err = -EFAULT;
	mutex_unlock(&fuzz_mutex);
	return err;
}

static const struct file_operations fuzz_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = fuzz_ioctl,
};

static struct miscdevice fuzz_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fuzz",
	.fops = &fuzz_fops,
	.mode = 0600,
};

static int __init fuzz_init(void)
{
	int err;

	if (!boot_cpu_has(X86_FEATURE_FSGSBASE) ||
	    !boot_cpu_has(X86_FEATURE_XSAVE))
		return -ENODEV;
	err = sandbox_create();
	if (!err)
		err = misc_register(&fuzz_device);
	if (err)
		sandbox_destroy();
	return err;
}

static void __exit fuzz_exit(void)
{
	misc_deregister(&fuzz_device);
	sandbox_destroy();
}

module_init(fuzz_init);
module_exit(fuzz_exit);

MODULE_DESCRIPTION("For tests: random instructions in a sandbox");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
