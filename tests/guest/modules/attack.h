/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/attack: what an attacker who has got into the kernel would do
 *
 * Never part of an installed system. Each attack is undone by itself if it was
 * not stopped; what it saw goes to the caller, and is kept for those who look
 * when the caller is dead.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* X(constant, what it does); the constant's first word is its group */

/* On the registers of the calling CPU */
#define ATTACKS_REGISTER(X)				\
	X(REGISTER_CR0_WP, "clear CR0.WP")		\
	X(REGISTER_CR4_SMEP, "clear CR4.SMEP")		\
	X(REGISTER_CR4_SMAP, "clear CR4.SMAP")		\
	X(REGISTER_CR4_UMIP, "clear CR4.UMIP")		\
	X(REGISTER_CR4_LASS, "clear CR4.LASS")		\
	X(REGISTER_CR4_CET, "clear CR4.CET")		\
	X(REGISTER_EFER_SCE, "clear IA32_EFER.SCE")	\
	X(REGISTER_EFER_NXE, "clear IA32_EFER.NXE")	\
	X(REGISTER_STAR, "move IA32_STAR")		\
	X(REGISTER_LSTAR, "move IA32_LSTAR")		\
	X(REGISTER_CSTAR, "move IA32_CSTAR")		\
	X(REGISTER_FMASK, "change IA32_FMASK")		\
	X(REGISTER_SYSENTER_CS, "change IA32_SYSENTER_CS") \
	X(REGISTER_SYSENTER_ESP, "move IA32_SYSENTER_ESP") \
	X(REGISTER_SYSENTER_EIP, "move IA32_SYSENTER_EIP") \
	X(REGISTER_S_CET_IBT, "turn off IBT in IA32_S_CET") \
	X(REGISTER_IDTR, "move the IDT")		\
	X(REGISTER_GDTR, "move the GDT")

/*
 * On code and read-only data. The last word is the way there: WP, CR0.WP clear;
 * PTE, its own page-table entry made writable; DIRECT, the direct map's; ALIAS,
 * an entry of the attacker's own; POKE, by the kernel's own text_poke().
 */
#define ATTACKS_CODE(X)					\
	X(CODE_TEXT_WP, "invert a jump of panic()")	\
	X(CODE_TEXT_PTE, "the same")			\
	X(CODE_TEXT_DIRECT, "the same")			\
	X(CODE_TEXT_ALIAS, "the same")			\
	X(CODE_TEXT_POKE, "the same, text_poke_kgdb()")	\
	X(CODE_TEXT_NOP_WP, "a jump of panic() into NOPs") \
	X(CODE_TEXT_NOP_ALIAS, "the same")		\
	X(CODE_SYSCALL_WP, "another system call in an unused slot") \
	X(CODE_SYSCALL_DIRECT, "the same")		\
	X(CODE_SYSCALL_ALIAS, "the same")		\
	X(CODE_RODATA_WP, "a byte of linux_banner")	\
	X(CODE_RODATA_PTE, "the same")			\
	X(CODE_RODATA_DIRECT, "the same")		\
	X(CODE_RODATA_ALIAS, "the same")		\
	X(CODE_MODULE_WP, "a byte of another module's code") \
	X(CODE_MODULE_PTE, "the same")			\
	X(CODE_MODULE_DIRECT, "the same")		\
	X(CODE_MODULE_ALIAS, "the same")		\
	X(CODE_MODULE_POKE, "the same, text_poke_copy()") \
	X(CODE_MODULE_POKE_SET, "the same, text_poke_set()") \
	X(CODE_MODULE_UNMAPPED_DIRECT, "the same, while it is not mapped") \
	X(CODE_MODULE_RODATA_WP, "a pointer in another module's rodata") \
	X(CODE_MODULE_RODATA_PTE, "the same")		\
	X(CODE_MODULE_RODATA_DIRECT, "the same")	\
	X(CODE_MODULE_RODATA_ALIAS, "the same")		\
	X(CODE_IDT_WP, "an unused gate")		\
	X(CODE_IDT_PTE, "the same")			\
	X(CODE_IDT_DIRECT, "the same")			\
	X(CODE_IDT_ALIAS, "the same")			\
	X(CODE_START_DIRECT, "a byte of the code that CPUs start with") \
	X(CODE_START_ALIAS, "the same")			\
	X(CODE_BPF_WP, "a byte of a BPF program's image") \
	X(CODE_BPF_PTE, "the same")			\
	X(CODE_BPF_DIRECT, "the same")			\
	X(CODE_BPF_ALIAS, "the same")			\
	X(CODE_REMAP, "other frame, other code, at a function's address") \
	X(CODE_REMAP_SEALED, "another function's frame there") \
	X(CODE_REMAP_RODATA, "other frame, other data, at a module's rodata") \
	X(CODE_REMAP_IDT, "the same at the IDT's address")

/* By way of how Linux patches its own code */
#define ATTACKS_PATCH(X)				\
	X(CODE_CALL_OTHER, "have a static call lead to another function") \
	X(CODE_CALL_MIDDLE, "the same, to the middle of a function") \
	X(CODE_RACE_SOURCE, "a jump label, from where another CPU writes") \
	X(CODE_PROBE_MIDDLE, "INT3, as of a kprobe, within an instruction") \
	X(CODE_PROBE_GADGET, "behind INT3 a jump to nowhere; run its displacement") \
	X(CODE_ENTRY_GADGET, "the same behind a tracer's, at a function's entry") \
	X(CODE_ENTRY_RODATA, "the same, to data that are named to be sealed") \
	X(CODE_ENTRY_ALIAS, "the same, to another address of a BPF program's")

/* What EXEC_BPF_CONSTANTS' first constant has; the kernel finds its place by it */
#define ATTACK_CONSTANT_FIRST	{ 0x31, 0xc0, 0x90, 0x3c }

/* On execution: NX, as the memory is; else, made executable before */
#define ATTACKS_EXEC(X)					\
	X(EXEC_USER_SMEP, "run code in a user page, SMEP on") \
	X(EXEC_USER, "the same, after clearing SMEP")	\
	X(EXEC_USER_SUPERVISOR, "the same, after clearing its U/S bit") \
	X(EXEC_USER_DIRECT_NX, "the same, by its address in the direct map") \
	X(EXEC_USER_DIRECT, "the same")			\
	X(EXEC_STACK_NX, "run code on the stack")	\
	X(EXEC_STACK, "the same")			\
	X(EXEC_KMALLOC_NX, "in memory of kmalloc()")	\
	X(EXEC_KMALLOC, "the same")			\
	X(EXEC_VMALLOC_NX, "in memory of vmalloc()")	\
	X(EXEC_VMALLOC, "the same")			\
	X(EXEC_VMALLOC_USER, "the same, after setting its U/S bit and clearing SMEP") \
	X(EXEC_PAGE_NX, "in a page of the page allocator's") \
	X(EXEC_PAGE, "the same")			\
	X(EXEC_MODULE_NX, "where modules are, writable")	\
	X(EXEC_MODULE, "the same")			\
	X(EXEC_MODULE_FORGED, "the same, and no longer writable: sealed?") \
	X(EXEC_MODULE_FILLED, "the same, and then filled, as freed code is, at its end") \
	X(EXEC_BPF_CONSTANTS, "code in the constants of a user's filter")

/*
 * On strings that name what the kernel runs as root. WRITE, by its address;
 * DIRECT, through the direct map; USER, by user code, after its frame was put
 * into a user's page table.
 */
#define ATTACKS_HELPER(X)				\
	X(HELPER_CORE_PATTERN_WRITE, "core_pattern")	\
	X(HELPER_CORE_PATTERN_DIRECT, "core_pattern")	\
	X(HELPER_CORE_PATTERN_USER, "core_pattern")	\
	X(HELPER_CORE_PATTERN_SYSCTL, "core_pattern, by another sysctl's entry") \
	X(HELPER_MODPROBE_WRITE, "modprobe_path")	\
	X(HELPER_MODPROBE_DIRECT, "modprobe_path")	\
	X(HELPER_MODPROBE_USER, "modprobe_path")	\
	X(HELPER_POWEROFF_WRITE, "poweroff_cmd")	\
	X(HELPER_POWEROFF_DIRECT, "poweroff_cmd")	\
	X(HELPER_POWEROFF_USER, "poweroff_cmd")		\
	X(HELPER_AGENT_WRITE, "a cgroup hierarchy's release_agent") \
	X(HELPER_ENVIRONMENT, "a pointer in the environment that modprobe gets") \
	X(HELPER_HOOK_FUNCTION, "what ftrace says it calls for Carapace; then modprobe_path") \
	X(HELPER_HOOK_TABLE, "where Carapace says its hooks are, and how many; the same") \
	X(HELPER_RACE_BEGINNING, "what modprobe begins with, after its name was compared")

/* On Carapace itself */
#define ATTACKS_SELF(X)					\
	X(SELF_RING3, "all hypercalls from ring 3")	\
	X(SELF_NUMBERS, "all hypercalls, with wrong arguments") \
	X(SELF_WEAKEN_ENFORCE, "hypercall: enforce nothing") \
	X(SELF_WEAKEN_ACTION, "hypercall: only log")	\
	X(SELF_WEAKEN_REGISTERS, "hypercall: the register guard off") \
	X(SELF_WEAKEN_MODULE, "hypercall: a module may be freed") \
	X(SELF_UNLOCK, "hypercall: unlock")		\
	X(SELF_DETACH, "hypercall: leave VMX")		\
	X(SELF_STORE, "call the sysfs file's store function") \
	X(SELF_EXIT, "call the module's exit function")	\
	X(SELF_CALL_SUSPEND, "call what lets the last CPU go before suspend") \
	X(SELF_CALL_TEARDOWN, "the same before a CPU goes offline") \
	X(SELF_CALL_SHUTDOWN, "the same on all CPUs before a restart") \
	X(SELF_CALL_STOP, "call what ends all guarding before unloading") \
	X(SELF_RELEASE_TEXT, "hypercall: kernel code is data; then write to it") \
	X(SELF_RELEASE_RODATA, "the same with the system-call table") \
	X(SELF_RELEASE_MODULE, "the same with another module's code") \
	X(SELF_ANNOUNCE_TEXT, "hypercall: kernel code is about to be patched; patch it") \
	X(SELF_ANNOUNCE_BPF, "the same with a BPF program") \
	X(SELF_POOL_DIRECT, "write to the pool through the direct map") \
	X(SELF_POOL_ALIAS, "the same by an entry of one's own") \
	X(SELF_TEXT_WP, "a byte of the guest half's code") \
	X(SELF_TEXT_PTE, "the same")			\
	X(SELF_TEXT_DIRECT, "the same")			\
	X(SELF_TEXT_ALIAS, "the same")			\
	X(SELF_RODATA_WP, "a byte of its read-only data") \
	X(SELF_RODATA_ALIAS, "the same")

/* On the return guard's stub; returns_self.sh has these. */
#define ATTACKS_STUB(X)					\
	X(STUB_32, "the stub's VMFUNC, as 32-bit code")	\
	X(STUB_CHOKE_32, "the same of the one for choke points") \
	X(STUB_TWICE, "its VMFUNC back, with the stub's page behind it again") \
	X(STUB_GAP, "the same with nothing behind it, and the stack in the shadow")

#define ATTACKS(X)	\
	ATTACKS_REGISTER(X) \
	ATTACKS_CODE(X)	\
	ATTACKS_PATCH(X)	\
	ATTACKS_EXEC(X)	\
	ATTACKS_HELPER(X) \
	ATTACKS_SELF(X)	\
	ATTACKS_STUB(X)

enum attack {
#define X(constant, name) ATTACK_##constant,
	ATTACKS(X)
#undef X
	ATTACK_COUNT,
};

enum attack_effect {
	ATTACK_NOT_RUN,
	ATTACK_SUCCEEDED,	/* the effect was there */
	ATTACK_HAD_NO_EFFECT,
	ATTACK_RAISED_FAULT,
	ATTACK_NOT_HERE,	/* here is not what it is about */
	ATTACK_EFFECTS,
};

struct attack_request {
	__u32 attack;		/* enum attack */
	__u32 effect;		/* enum attack_effect */
	__u64 before;
	__u64 after;
	__u64 argument;		/* what it needs from user space; see attack.c */
	__u64 context;		/* enum context: who performs it */
};

/*
 * Where user space does the rest, PERFORM says HAD_NO_EFFECT, and CONFIRM, with
 * the effect that was seen, ends the attack and undoes it.
 */
#define ATTACK_PERFORM	_IOWR('A', 1, struct attack_request)
#define ATTACK_LAST	_IOR('A', 2, struct attack_request)
#define ATTACK_CONFIRM	_IOW('A', 3, struct attack_request)
/* Have the kernel run poweroff_cmd, but not the one that it came with */
#define ATTACK_POWEROFF	_IOW('A', 4, struct attack_request)

/* What the kernel is made to run as root: it says so in the FIFO. */
#define ATTACK_PROGRAM	"/run/attack-helper"
#define ATTACK_FIFO	"/run/attack-fifo"

/* What modprobe, told so, takes for its configuration */
#define ATTACK_MODPROBE	"/run/attack-modprobe.conf"

/* The hierarchy: its name, and where it is mounted */
#define ATTACK_CGROUP	"attack"
#define ATTACK_CGROUPS	"/run/attack-cgroup"

#endif /* ATTACK_H */
