// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return guard: functions that end by jumping to another
 *
 * Where the last thing that a function does is to call another one, compilers have it
 * jump there. The other one returns in its place, and may be one that is not guarded;
 * if it is, what it stores as it begins is what is on the stack by then. So such a
 * jump is led to a place in the guest half that calls the check, and jumps then: one
 * for each function that is jumped to, whoever does.
 *
 * A CPU may be interrupted there, so a place is used for another function only when
 * the guest half has seen to it that nobody is left in one that has no more users:
 * it waits for that between unguarding and guarding (module/guarded.c).
 */
#include "cpu_ops.h"
#include "layout.h"
#include "region.h"
#include "return_jumps.h"
#include "returns.h"
#include "sealed_code.h"
#include "stack_walk.h"
#include "vcpu.h"

static const struct returns_config *config(void)
{
	return &island.config.returns;
}

/**
 * return_jump_is_one() - whether a function ends by this jump
 * @vcpu: the CPU
 * @va: the jump
 * @target: where it leads
 *
 * The unwind tables say of both whether there is nothing on the stack but the return
 * address.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool return_jump_is_one(struct vcpu *vcpu, u64 va, u64 target)
{
	return target != config()->check &&
	       target - config()->jumps >= RETURN_JUMPS_SIZE &&
	       stack_is_entry(vcpu, va) &&
	       (sealed_code_begins_function(vcpu, target) ||
		sealed_code_is_entry(vcpu, target));
}

static u64 place(u32 i)
{
	return config()->jumps + i * RETURN_JUMP_ROOM;
}

static struct return_jump *find(u64 target)
{
	u32 i;

	for (i = 0; i < island.nr_return_jumps; i++) {
		if (island.return_jumps[i].target == target)
			return &island.return_jumps[i];
	}
	return NULL;
}

/* One that has no users, or the next that never had any; NULL for none */
static struct return_jump *find_room(void)
{
	u32 i;

	if (island.nr_return_jumps < RETURN_JUMPS)
		return &island.return_jumps[island.nr_return_jumps++];
	for (i = 0; i < RETURN_JUMPS; i++) {
		if (!island.return_jumps[i].users)
			return &island.return_jumps[i];
	}
	return NULL;
}

/**
 * return_jump_hold() - have a place for jumps to a function
 * @vcpu: the CPU
 * @target: the function
 *
 * Context: root, with the lock; all other CPUs are held. Ends what the window showed.
 *
 * Return: the place's address; 0 where there is no room.
 */
u64 return_jump_hold(struct vcpu *vcpu, u64 target)
{
	struct return_jump *jump = find(target) ? : find_room();
	u8 code[RETURN_JUMP_CODE];
	u64 va;

	if (!jump)
		return 0;
	va = place(jump - island.return_jumps);
	if (jump->target != target) {
		if (!return_jump_code(va, config()->check_jump, target, code) ||
		    !region_write(vcpu, va, code, sizeof(code)))
			return 0;
		jump->target = target;
	}
	jump->users++;
	return va;
}

/**
 * return_jump_put() - one jump to a function less
 * @target: the function
 *
 * Context: root, with the lock.
 */
void return_jump_put(u64 target)
{
	struct return_jump *jump = find(target);

	if (jump && jump->users)
		jump->users--;
}

/**
 * return_jump_target() - where a jump leads in the end
 * @va: where it leads
 *
 * Context: root, with the lock.
 *
 * Return: @va, where that is none of the places.
 */
u64 return_jump_target(u64 va)
{
	u64 offset = va - config()->jumps;
	u64 target;

	if (offset >= RETURN_JUMPS_SIZE || offset % RETURN_JUMP_ROOM)
		return va;
	target = island.return_jumps[offset / RETURN_JUMP_ROOM].target;
	return target ? : va;
}
