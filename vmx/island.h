/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the island's image and what the guest half gives it at load
 *
 * The root half is linked by itself into one image, carried in carapace.ko as
 * data.  The guest half copies it into the pool, maps it by its header, fills
 * in struct island_config, and from then on only calls its two entry points,
 * by way of the bridge (module/bridge.h).
 */
#ifndef CARAPACE_VMX_ISLAND_H
#define CARAPACE_VMX_ISLAND_H

#include "capabilities.h"
#include "firmware.h"
#include "layout.h"
#include "mtrr.h"
#include "patch.h"
#include "public.h"
#include "table_pool.h"
#include "types.h"
#include "unwind.h"

/**
 * struct code_range - memory that is contiguous in both kinds of addresses
 * @va: its address in Linux
 * @pa: its physical address
 * @size: bytes, a multiple of the page size
 */
struct code_range {
	u64 va;
	u64 pa;
	u64 size;
};

#define CHOKE_POINTS	8
#define CHOKE_POINTERS	8

/**
 * struct choke_point - a function that exploits' chains of returns have to pass
 * @function: where it begins; 0 for none
 * @by_loader: the loader of modules calls it by a pointer (choke_caller)
 */
struct choke_point {
	u64 function;
	bool by_loader;
};

/**
 * struct choke_pointer - a call by pointer that may lead to a choke point
 * @function: the choke point; 0 for none
 * @caller: the function that the call is in
 * @caller_size: its size
 */
struct choke_pointer {
	u64 function;
	u64 caller;
	u64 caller_size;
};

/**
 * struct returns_config - what root must know to guard returns
 * @stacks: where the window's stacks begin
 * @stacks_end: where Linux's stacks end, also those that the window does not cover
 * @window: address of the window
 * @stub_pa: the page that stores in the shadow
 * @stub_words: offset in it of the words that it computes with
 * @shadow_begin: from this instruction of it the CPU may be in the shadow view; it is
 *	a choke point's, and the call is looked at
 * @shadow_plain: from here on it is not
 * @entered: behind the VMFUNC to that view
 * @entered_choke: the same for a choke point's
 * @stored: where it goes on when it has stored, back in the guard view; behind the page
 * @check: where patched returns jump to
 * @jumps: where functions jump to that end by a jump: RETURN_JUMPS places
 * @check_jump: what these call
 * @blocked: where a CPU goes instead of returning
 * @blocked_jump: the same, instead of going on there
 * @gs_task: offset from the kernel's GS base, of the pointer to the task
 * @gs_irq_stack: the same, of the one to the top of the interrupt stack
 * @task_stack: offset of the stack's address in a task
 * @stack_size: of each stack
 * @percpu: where stacks begin that belong to a CPU
 * @percpu_size: bytes
 * @boot_stack: the stack that the first CPU idles on
 * @trampolines: where tracers of Linux's have functions return to
 * @choke_points: functions that are choke points; no others can be
 * @choke_caller: a function that is given some of them by pointer, and ends by
 *	jumping there; 0 where there is none
 * @choke_pointers: other functions that call some by pointer, or what ends by jumping
 *	there
 */
struct returns_config {
	u64 stacks;
	u64 stacks_end;
	u64 window;
	u64 stub_pa;
	u64 stub_words;
	u64 shadow_begin;
	u64 shadow_plain;
	u64 entered;
	u64 entered_choke;
	u64 stored;
	u64 check;
	u64 jumps;
	u64 check_jump;
	u64 blocked;
	u64 blocked_jump;
	u64 gs_task;
	u64 gs_irq_stack;
	u64 task_stack;
	u64 stack_size;
	u64 percpu;
	u64 percpu_size;
	u64 boot_stack;
	u64 trampolines[4];
	struct choke_point choke_points[CHOKE_POINTS];
	u64 choke_caller;
	struct choke_pointer choke_pointers[CHOKE_POINTERS];
};

#define STACK_BEGINNINGS	2

/**
 * struct stacks_config - what root must know to guard stacks
 * @switch_jump: the jump by which Linux, on another task's stack already, goes on
 * @switch_to: where it leads
 * @stub: where it leads instead while stacks are guarded
 * @stub_call: the VMCALL there
 * @fork_return: where a task that has never run begins
 * @fork_slot: offset of that address in its stack
 * @boot_task: the task that the first CPU idles in
 * @task_sp: offset, in a task, of the stack pointer while it does not run
 * @task_state: of its state, 32 bits
 * @task_dead: that of one that will not run again
 * @task_pid: of its number, 32 bits
 * @task_comm: of its name, 16 bytes
 * @beginnings: code that nobody has called: there a stack ends; of size 0 for none
 * @unwind: the core kernel's unwind table
 * @unwind_numbers: what its numbers mean, and those of modules' tables
 */
struct stacks_config {
	u64 switch_jump;
	u64 switch_to;
	u64 stub;
	u64 stub_call;
	u64 fork_return;
	u64 fork_slot;
	u64 boot_task;
	u64 task_sp;
	u64 task_state;
	u64 task_dead;
	u64 task_pid;
	u64 task_comm;
	struct code_range beginnings[STACK_BEGINNINGS];
	struct unwind_table unwind;
	struct unwind_numbers unwind_numbers;
};

#define ISLAND_FUNCTIONS	12
#define ISLAND_THUNKS		4
#define ISLAND_FIRMWARE		64

/**
 * struct island_config - what root must know, filled in before island_init()
 * @pool: the pool, with addresses as root sees them
 * @controls: what vmx_capabilities_check() made of this machine
 * @mtrr: memory types, as every CPU has them
 * @map_limit: end of the identity map, exclusive
 * @phys_limit: end of the physical addresses that Linux uses, exclusive
 * @apic_base: IA32_APIC_BASE
 * @host_cr3: root's page tables
 * @slot_entry: the PML4 entry that maps the island
 * @public: root's address of struct island_public
 * @public_pa: its physical address
 * @text: the core kernel's text
 * @rodata: its read-only data
 * @unwind: what is known for unwinding through it: read-only, too, but for Linux
 *	at boot; whole pages, of size 0 for none. What lies before and behind these
 *	is copied by island_init().
 * @start_code: what CPUs start and wake with, read-only, too; of size 0 for none
 * @idt_pa: the page that the IDT is in
 * @firmware: code of the firmware's; empty for none
 * @sites: Linux's address of the places where @text may change (protect/patch.h);
 *	valid until island_init() returns
 * @nr_sites: how many
 * @max_sites: for how many, modules' among them, there shall be room
 * @functions: addresses in @text that patched code may call though they do not
 *	look like the beginning of a function; 0 for none
 * @return_thunks: the same, for those that code jumps to instead of returning
 * @counting: how Linux counts calls
 * @detour: how long the code that a kprobe becomes a jump to is, up to the
 *	instructions that the jump covers; 0 where there is none
 * @modules_start: from here
 * @modules_end: to here, Linux puts code
 * @landing: where a CPU goes that cannot go back
 * @returns: for the return guard
 * @stacks: for the stack guard
 * @nr_vcpus: number of vCPUs; vCPU i lies at ISLAND_VCPUS + i * VCPU_STRIDE
 * @cpuid_faulting: the CPU can make CPUID fault (MSR_PLATFORM_INFO)
 * @itlb_multihit: the CPU fails on code pages that change their size
 * @pebs: the CPU has PEBS
 * @pebs_pretended: testing builds: it has none, but what switches it on does so
 * @has_endbr: the kernel is built for IBT, so that its functions begin with ENDBR64
 * @firmware_calls: Linux calls the firmware, and may turn IBT off around that
 * @under_kvm: Linux knows KVM underneath, and makes hypercalls to it
 * @hw_feedback_size: bytes of the table that IA32_HW_FEEDBACK_PTR names. Not asked for
 *	later: ring 0 can have CPUID know no such leaf (IA32_MISC_ENABLE[22])
 */
struct island_config {
	struct table_pool pool;
	struct vmx_controls controls;
	struct mtrr_state mtrr;
	u64 map_limit;
	u64 phys_limit;
	u64 apic_base;
	u64 host_cr3;
	u64 slot_entry;
	struct island_public *public;
	u64 public_pa;
	struct code_range text;
	struct code_range rodata;
	struct code_range unwind;
	struct code_range start_code;
	u64 idt_pa;
	struct firmware_piece firmware[ISLAND_FIRMWARE];
	const struct patch_site *sites;
	u32 nr_sites;
	u32 max_sites;
	u64 functions[ISLAND_FUNCTIONS];
	u64 return_thunks[ISLAND_THUNKS];
	struct patch_counting counting;
	u64 detour;
	u64 modules_start;
	u64 modules_end;
	u64 landing;
	struct returns_config returns;
	struct stacks_config stacks;
	u32 nr_vcpus;
	bool cpuid_faulting;
	bool itlb_multihit;
	bool pebs;
	bool pebs_pretended;
	bool has_endbr;
	bool firmware_calls;
	bool under_kvm;
	u32 hw_feedback_size;
};

/**
 * struct vcpu_config - the same for one vCPU; the start of its vCPU page's tail
 * @public: root's address of its public page
 * @public_pa: its physical address
 * @window_pte: root's address of the entry that maps its window
 * @pa: physical address of struct vcpu
 * @vmxon_pa: VMXON region
 * @vmcs_pa: VMCS
 * @index: its number
 * @apic_id: the local APIC's ID, for NMIs and INIT
 * @fail_at: testing builds: where to fail, enum enter_failure
 */
struct vcpu_config {
	struct vcpu_public *public;
	u64 public_pa;
	u64 *window_pte;
	u64 pa;
	u64 vmxon_pa;
	u64 vmcs_pa;
	u32 index;
	u32 apic_id;
	u32 fail_at;
};

/* Offset of struct vcpu_config in a vCPU's first page */
#define VCPU_CONFIG	0x800

/* What a testing build can be told to fail at. */
enum enter_failure {
	ENTER_FAIL_NONE,
	ENTER_FAIL_VMXON,
	ENTER_FAIL_LAUNCH,	/* VMLAUNCH fails: control field */
	ENTER_FAIL_GUEST_STATE,	/* VM entry fails: guest state */
};

/**
 * struct island_header - the first bytes of the image
 * @magic: ISLAND_MAGIC (layout.h)
 * @text_end: end of the pages to map executable, from the image's start
 * @rodata_end: end of the read-only pages
 * @file_end: end of what the file holds; the rest is zero
 * @image_end: end of the writable pages
 * @config: root's address of struct island_config
 * @init: int island_init(void)
 * @enter: int vcpu_enter(struct vcpu *)
 *
 * Offsets are multiples of the page size, but for @file_end.
 */
struct island_header {
	u64 magic;
	u64 text_end;
	u64 rodata_end;
	u64 file_end;
	u64 image_end;
	u64 config;
	u64 init;
	u64 enter;
};

/**
 * island_init() - build what all CPUs share, before the first one enters
 *
 * Context: Linux's, on a bridge page table, interrupts off.
 *
 * Return: 0, or -ENOMEM when the pool is too small.
 */
int island_init(void);

/* Bring struct island_public up to date; root only, with the lock held. */
void island_publish(void);

#endif /* CARAPACE_VMX_ISLAND_H */
