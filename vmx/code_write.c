// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: writes to sealed code that root performs itself
 *
 * Dynamic code has no list of what may stand where: a JIT writes what it likes.
 * So it says beforehand what it is about to write, root does that, and when
 * Linux then writes the same, nothing changes, which is no violation.
 */
#include "code_write.h"
#include "code.h"
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "opcodes.h"
#include "region.h"
#include "requests.h"
#include "seal.h"
#include "vcpu.h"
#include "window.h"

/* Little enough for the stack; a page is some of them */
#define PIECE	512

/* A BPF program or trampoline; nobody waits longer for the lock */
#define LONGEST	(1ULL << 20)

static int write_piece(struct vcpu *vcpu, u64 va, const u8 *bytes, u64 size)
{
	struct guest_mapping m;
	int err;

	if (!guest_walk(vcpu, va, &m) || !guest_owns(m.pa))
		return -EFAULT;
	switch (ept_class(&island.ept, m.pa)) {
	case CLASS_DYNAMIC:
		break;
	case CLASS_DATA:
		/*
		 * Already executable: so it need not wait until it is run. Where
		 * no code is new, only what is freed is filled: the page must not
		 * become code for that.
		 */
		if (!m.executable || m.writable || m.user || !seal_may_be_dynamic() ||
		    !seal_in_range(va) || region_at(va, 1))
			return 0;	/* Linux can write there itself. */
		err = seal_new_code(vcpu, m.pa, va);
		if (err)
			return err;
		break;
	case CLASS_RELEASED:
		return 0;
	default:
		return -EPERM;
	}
	memcpy(window_at(vcpu, m.pa), bytes, size);
	return 0;
}

/*
 * Linux patches one at a time, with text_mutex held, so there is one to remember.
 * An INT3 in front, or what was announced, byte by byte: half of that never runs,
 * for the INT3 comes first and goes last. Where no code is new, it is to become what
 * it is: ftrace writes the call of a trampoline again when that is used again.
 */
static int announce_patch(struct vcpu *vcpu, const struct code_write *w)
{
	struct code_patch *patch = &island.code_patch;
	struct guest_mapping m;
	u32 i;

	if (w->size > CODE_PATCH_LONGEST)
		return -EINVAL;
	patch->size = 0;
	if (guest_read(vcpu, w->from, patch->after, w->size))
		return -EFAULT;
	for (i = 0; i < w->size; i++) {
		if (!guest_walk(vcpu, w->va + i, &m) || !guest_owns(m.pa))
			return -EFAULT;
		if (!seal_may_be_dynamic() &&
		    *((u8 *)window_map(vcpu, m.pa) + m.pa % PAGE_SIZE) != patch->after[i])
			return -EPERM;
		patch->pa[i] = m.pa;
	}
	patch->size = w->size;
	return 0;
}

static bool announced(u64 pa, u8 byte)
{
	const struct code_patch *patch = &island.code_patch;
	u32 i;

	for (i = 0; i < patch->size; i++) {
		if (patch->pa[i] == pa)
			return byte == patch->after[i] || (!i && byte == OPCODE_INT3);
	}
	return false;
}

/**
 * code_patch_illegal() - look for what no patch of dynamic code writes
 * @pa: physical address of the first byte
 * @before: bytes before
 * @after: bytes after
 * @size: how many, within a page
 *
 * Context: root, with the lock.
 *
 * Return: the offset of the first such byte, or @size.
 */
u32 code_patch_illegal(u64 pa, const u8 *before, const u8 *after, u32 size)
{
	u32 i;

	for (i = 0; i < size; i++) {
		if (before[i] != after[i] && !announced(pa + i, after[i]))
			break;
	}
	return i;
}

/* What is freed is filled with INT3, and that is no new code. */
static bool is_removal(const struct code_write *w)
{
	return !w->from && (u8)w->fill == OPCODE_INT3;
}

/**
 * code_write() - write what Linux announces to write to dynamic code
 * @vcpu: the CPU
 * @va: the guest's address of a struct code_write
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EPERM for known code, or where policy allows no new code; -EFAULT
 * where something is not mapped, with a part written.
 */
int code_write(struct vcpu *vcpu, u64 va)
{
	struct code_write w;
	u8 bytes[PIECE];
	u64 done, size;
	int err;

	err = guest_read(vcpu, va, &w, sizeof(w));
	if (err)
		return err;
	if (w.size > LONGEST)
		return -EINVAL;
	if (w.patch)
		return announce_patch(vcpu, &w);
	if (!is_removal(&w) && !seal_may_be_dynamic())
		return -EPERM;
	for (done = 0; done < w.size; done += size) {
		size = PIECE - (w.va + done) % PIECE;
		if (size > w.size - done)
			size = w.size - done;
		if (!w.from)
			memset(bytes, (u8)w.fill, size);
		else
			err = guest_read(vcpu, w.from + done, bytes, size);
		if (!err)
			err = write_piece(vcpu, w.va + done, bytes, size);
		if (err)
			return err;
	}
	return 0;
}
