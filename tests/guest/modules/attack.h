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

/* On the registers of the calling CPU: X(constant, name) */
#define ATTACKS(X)					\
	X(CR0_WP, "clear CR0.WP")			\
	X(CR4_SMEP, "clear CR4.SMEP")			\
	X(CR4_SMAP, "clear CR4.SMAP")			\
	X(CR4_UMIP, "clear CR4.UMIP")			\
	X(CR4_CET, "clear CR4.CET")			\
	X(EFER_SCE, "clear IA32_EFER.SCE")		\
	X(EFER_NXE, "clear IA32_EFER.NXE")		\
	X(STAR, "move IA32_STAR")			\
	X(LSTAR, "move IA32_LSTAR")			\
	X(CSTAR, "move IA32_CSTAR")			\
	X(FMASK, "change IA32_FMASK")			\
	X(SYSENTER_CS, "change IA32_SYSENTER_CS")	\
	X(SYSENTER_ESP, "move IA32_SYSENTER_ESP")	\
	X(SYSENTER_EIP, "move IA32_SYSENTER_EIP")	\
	X(S_CET_IBT, "turn off IBT in IA32_S_CET")	\
	X(IDTR, "move the IDT")				\
	X(GDTR, "move the GDT")

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
	ATTACK_NOT_HERE,	/* this CPU does not have what it is about */
};

struct attack_request {
	__u32 attack;		/* enum attack */
	__u32 effect;		/* enum attack_effect */
	__u64 before;
	__u64 after;
};

#define ATTACK_PERFORM	_IOWR('A', 1, struct attack_request)
#define ATTACK_LAST	_IOR('A', 2, struct attack_request)

#endif /* ATTACK_H */
