// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what stands in sealed code, by the kernel's addresses
 *
 * Where the tables are the guest's, what they lead to has to be sealed; what a
 * region is known to hold is read without them.
 */
#include "call_site.h"
#include "code.h"
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "region.h"
#include "sealed_code.h"
#include "stack_walk.h"
#include "vcpu.h"

/* gcc's -O2 for x86-64 */
#define FUNCTION_ALIGNMENT	16

#define ENDBR64			0xfa1e0ff3
#define ENDBR64_POISON		0x001f0f66	/* until 6.14 */
#define ENDBR64_POISON_UDB	0xd6401f0f

/* Whether an address leads to code that is sealed */
static bool is_sealed_code(struct vcpu *vcpu, u64 va)
{
	struct guest_mapping m;
	u32 class;

	if (!guest_walk(vcpu, va, &m))
		return false;
	class = ept_class(&island.ept, m.pa);
	return class == CLASS_CODE || class == CLASS_DYNAMIC;
}

/**
 * sealed_code_follows_call() - whether a call can have returned there
 * @vcpu: the CPU
 * @va: where to
 *
 * Context: root, with the lock.
 */
bool sealed_code_follows_call(struct vcpu *vcpu, u64 va)
{
	u8 bytes[CALL_LONGEST];

	return is_sealed_code(vcpu, va) &&
	       is_sealed_code(vcpu, va - sizeof(bytes)) &&
	       !guest_read(vcpu, va - sizeof(bytes), bytes, sizeof(bytes)) &&
	       (call_ends_here(bytes) ||
		(region_read_calls(vcpu, va - sizeof(bytes), bytes, sizeof(bytes)) &&
		 call_ends_here(bytes)));
}

/**
 * sealed_code_has_endbr() - whether a function begins there, by the look of it
 * @vcpu: the CPU
 * @va: the address, of a region's
 *
 * A function begins with ENDBR64, or with what Linux makes of it where nobody
 * uses a pointer (arch/x86/include/asm/ibt.h: gen_endbr_poison()).
 *
 * Context: root, with the lock.
 */
bool sealed_code_has_endbr(struct vcpu *vcpu, u64 va)
{
	u32 insn;

	return region_read(vcpu, va, &insn, sizeof(insn)) &&
	       (insn == ENDBR64 || insn == ENDBR64_POISON ||
		insn == ENDBR64_POISON_UDB);
}

/**
 * sealed_code_is_entry() - whether a function without ENDBR64 may begin there
 * @vcpu: the CPU
 * @va: the address
 *
 * It is where compilers let functions begin, and the stack is as at an entry.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool sealed_code_is_entry(struct vcpu *vcpu, u64 va)
{
	return va % FUNCTION_ALIGNMENT == 0 && stack_is_entry(vcpu, va);
}

/**
 * sealed_code_begins_function() - whether a function begins there
 * @vcpu: the CPU
 * @va: the address, of a region's
 *
 * A kernel that is built without IBT has no ENDBR64: there it is where compilers
 * let functions begin, if the stack is, by the unwind tables, as at an entry. That
 * can be in a function that has no frame, too.
 *
 * Context: root, with the lock.
 */
bool sealed_code_begins_function(struct vcpu *vcpu, u64 va)
{
	return island.config.has_endbr ? sealed_code_has_endbr(vcpu, va) :
					 sealed_code_is_entry(vcpu, va);
}

/**
 * is_return_thunk() - whether jumping there is returning
 * @va: the address
 *
 * Context: root.
 */
bool is_return_thunk(u64 va)
{
	u32 i;

	for (i = 0; i < ISLAND_THUNKS; i++) {
		if (va && island.config.return_thunks[i] == va)
			return true;
	}
	return false;
}
