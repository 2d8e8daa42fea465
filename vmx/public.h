/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what root shows the guest: one page a CPU and one for all
 *
 * Root writes them, EPT makes them read-only for the guest.  Nothing root
 * decides is ever read back from here.
 */
#ifndef CARAPACE_VMX_PUBLIC_H
#define CARAPACE_VMX_PUBLIC_H

#include "policy.h"
#include "report.h"
#include "types.h"
#include "vmcs.h"

enum vcpu_state {
	VCPU_OFF,		/* never entered, or left because asked to */
	VCPU_ON,		/* Linux runs in VMX non-root mode here */
	VCPU_DEGRADED,		/* root had to give this CPU back, or did not get it */
};

/* Why a CPU left: X(name, text) */
#define LEAVE_REASONS(X)						\
	X(NONE, "none")							\
	X(ASKED, "asked to")						\
	X(ENTRY_FAILURE, "VM entry refused the guest state")		\
	X(VMXON_FAILURE, "VMXON failed")				\
	X(VMCS_FAILURE, "VMCLEAR or VMPTRLD failed")			\
	X(PINS, "a register is not as it was, or as on the other CPUs")		\
	X(LAUNCH_FAILURE, "VMLAUNCH failed")				\
	X(RESUME_FAILURE, "VMRESUME failed")				\
	X(ROOT_FAULT, "fault in root mode")				\
	X(UNEXPECTED_EXIT, "exit that has no handler")			\
	X(EPT_MISCONFIG, "EPT misconfiguration")			\
	X(INIT, "INIT signal")						\
	X(TRIPLE_FAULT, "triple fault")

enum leave_reason {
#define X(name, text) LEAVE_##name,
	LEAVE_REASONS(X)
#undef X
	LEAVE_REASON_COUNT,
};

/**
 * struct vcpu_public - one CPU as the guest may see it
 * @state: enum vcpu_state
 * @leave_reason: enum leave_reason of the last time this CPU left
 * @leave_exit_reason: exit reason that was being handled then
 * @leave_vector: exception vector, for LEAVE_ROOT_FAULT
 * @leave_rip: root's RIP for LEAVE_ROOT_FAULT, else the guest's
 * @leave_info: error code, exit qualification or VM-instruction error
 * @exits: VM exits by basic exit reason since the module was loaded
 * @nmis_in_root: NMIs that arrived while root ran
 * @nmis_injected: NMIs handed on to the guest
 * @unknown_exits: VM exits for reasons that root does not know
 * @pool_accesses: writes and fetches of the guest that hidden memory refused
 * @kicks: NMIs that root sent to this CPU, for its own ends
 * @parked: stacks that root noted as this CPU left them
 * @parked_in_part: of these, those that it could not follow to the end
 * @unparked_unverified: stacks that it had noted nothing of
 * @frozen: calls of guarded functions whose callers' frames were noted
 * @frozen_in_part: of these, the times that frames could not be followed to the end
 * @unfrozen: calls that there was no room to note anything for
 * @invepts: INVEPTs since the CPU attached first
 * @reports: violations on this CPU
 * @planted_pa: page-table page that a failure left the island's slot in, or 0
 */
struct vcpu_public {
	u32 state;
	u32 leave_reason;
	u32 leave_exit_reason;
	u32 leave_vector;
	u64 leave_rip;
	u64 leave_info;
	u64 exits[EXIT_REASON_COUNT];
	u64 nmis_in_root;
	u64 nmis_injected;
	u64 pool_accesses;
	u64 unknown_exits;
	u64 planted_pa;
	u64 kicks;
	u64 parked;
	u64 parked_in_part;
	u64 unparked_unverified;
	u64 frozen;
	u64 frozen_in_part;
	u64 unfrozen;
	u64 invepts;
	struct report_ring reports;
};

/**
 * struct island_public - the island as a whole, as the guest may see it
 * @ept_leaves: EPT leaf entries of 4 KiB, 2 MiB and 1 GiB
 * @sealed_pages: pages of 4 KiB that are code or read-only data
 * @pool_pages: pages in the pool
 * @pool_used: of these, pages in use
 * @shadow_pages: pages that Linux gave for the return addresses' shadow
 * @shadow_free: of these, pages that are free
 * @shadow_spare: as many are free of each use
 * @shadow_low: how often they became few
 * @returns_patched: return sites that compare
 * @returns_unshadowed: entries that had no memory for a shadow
 * @returns_unverified: returns that found none for that reason
 * @stacks_armed: every switch to another task leads to root
 * @code_unsealed: how often new code was not run, for want of memory to seal it
 * @policy: the policy that root goes by
 */
struct island_public {
	u64 ept_leaves[3];
	u64 sealed_pages;
	u64 pool_pages;
	u64 pool_used;
	u64 shadow_pages;
	u64 shadow_free;
	u64 shadow_spare;
	u64 shadow_low;
	u64 returns_patched;
	u64 returns_unshadowed;
	u64 returns_unverified;
	u64 stacks_armed;
	u64 code_unsealed;
	struct policy policy;
};

#endif /* CARAPACE_VMX_PUBLIC_H */
