/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: registers that must stay as they are
 *
 * Pure. Which bits of which registers, and whether a value breaks them; where
 * the registers are, and how to get at them, vmx/pins.c knows.
 */
#ifndef CARAPACE_PROTECT_REGISTERS_H
#define CARAPACE_PROTECT_REGISTERS_H

#include "types.h"

/*
 * X(constant, name in reports, MSR or 0, bits, rule, scope)
 *
 * Rule SET: those of the bits that are set at attach stay set; setting another
 * one is nobody's loss. EXACT: all of the bits stay as they are.
 *
 * Scope ALL: the same on every CPU, so a CPU that comes online with another
 * value has been tampered with. OWN: each CPU has its own.
 *
 * CR0.PE and PG cannot be cleared anyway (vmx/emulate.c). LMA follows LME and
 * PG. IA32_MISC_ENABLE has one bit that takes NX away from all page tables.
 */
#define PINNED_REGISTERS(X)						\
	X(CR0, "CR0", 0, CR0_WP, SET, ALL)				\
	X(CR4, "CR4", 0, CR4_PAE | CR4_SMEP | CR4_SMAP | CR4_UMIP |	\
			 CR4_LASS | CR4_CET, SET, ALL)			\
	X(EFER, "IA32_EFER", IA32_EFER,					\
	  EFER_SCE | EFER_LME | EFER_NXE, SET, ALL)			\
	X(MISC_ENABLE, "IA32_MISC_ENABLE", IA32_MISC_ENABLE,		\
	  MISC_ENABLE_XD_DISABLE, EXACT, ALL)				\
	X(APIC_BASE, "IA32_APIC_BASE", IA32_APIC_BASE,			\
	  ~APIC_BASE_BSP, EXACT, ALL)					\
	X(STAR, "IA32_STAR", IA32_STAR, ~0ULL, EXACT, ALL)		\
	X(LSTAR, "IA32_LSTAR", IA32_LSTAR, ~0ULL, EXACT, ALL)		\
	X(CSTAR, "IA32_CSTAR", IA32_CSTAR, ~0ULL, EXACT, ALL)		\
	X(FMASK, "IA32_FMASK", IA32_FMASK, ~0ULL, EXACT, ALL)		\
	X(SYSENTER_CS, "IA32_SYSENTER_CS", IA32_SYSENTER_CS,		\
	  ~0ULL, EXACT, ALL)						\
	X(SYSENTER_ESP, "IA32_SYSENTER_ESP", IA32_SYSENTER_ESP,		\
	  ~0ULL, EXACT, OWN)						\
	X(SYSENTER_EIP, "IA32_SYSENTER_EIP", IA32_SYSENTER_EIP,		\
	  ~0ULL, EXACT, ALL)						\
	X(S_CET, "IA32_S_CET", IA32_S_CET,				\
	  ~(S_CET_SUPPRESS | S_CET_TRACKER), EXACT, ALL)		\
	X(GDTR_BASE, "GDTR.base", 0, ~0ULL, EXACT, OWN)			\
	X(GDTR_LIMIT, "GDTR.limit", 0, ~0ULL, EXACT, ALL)		\
	X(IDTR_BASE, "IDTR.base", 0, ~0ULL, EXACT, ALL)			\
	X(IDTR_LIMIT, "IDTR.limit", 0, ~0ULL, EXACT, ALL)

enum pinned_register {
#define X(constant, name, msr, bits, rule, scope) PINNED_##constant,
	PINNED_REGISTERS(X)
#undef X
	PINNED_COUNT,
};

/**
 * struct register_pin - what of one register must stay
 * @mask: the bits
 * @value: what they are
 */
struct register_pin {
	u64 mask;
	u64 value;
};

struct register_pin register_pin(enum pinned_register reg, u64 value);
u64 register_pin_broken(const struct register_pin *pin, u64 value);
bool register_is_own(enum pinned_register reg);
u64 register_exec_bits(enum pinned_register reg);
u32 register_msr(enum pinned_register reg);
enum pinned_register register_by_msr(u32 msr);
const char *register_name(u64 reg);

#endif /* CARAPACE_PROTECT_REGISTERS_H */
