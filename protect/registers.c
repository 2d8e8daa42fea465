// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: registers that must stay as they are
 */
#include "registers.h"
#include "x86.h"

enum rule {
	RULE_SET,
	RULE_EXACT,
};

enum scope {
	SCOPE_ALL,
	SCOPE_OWN,
};

static const struct {
	u64 bits;
	u32 msr;
	enum rule rule;
	enum scope scope;
} registers[PINNED_COUNT] = {
#define X(constant, name, msr_, bits_, rule_, scope_)			\
	[PINNED_##constant] = { .bits = (bits_), .msr = (msr_),		\
				.rule = RULE_##rule_, .scope = SCOPE_##scope_ },
	PINNED_REGISTERS(X)
#undef X
};

static const char *const names[PINNED_COUNT] = {
#define X(constant, name, msr, bits, rule, scope) [PINNED_##constant] = name,
	PINNED_REGISTERS(X)
#undef X
};

/**
 * register_pin() - pin a register at a value
 * @reg: the register
 * @value: what it is now
 *
 * Context: pure.
 */
struct register_pin register_pin(enum pinned_register reg, u64 value)
{
	u64 mask = registers[reg].bits;

	if (registers[reg].rule == RULE_SET)
		mask &= value;
	return (struct register_pin){ .mask = mask, .value = value & mask };
}

/**
 * register_pin_broken() - what a value changes of what is pinned
 * @pin: the pin
 * @value: the value
 *
 * Context: pure.
 *
 * Return: the bits; 0 for a value that can be.
 */
u64 register_pin_broken(const struct register_pin *pin, u64 value)
{
	return (value ^ pin->value) & pin->mask;
}

/**
 * register_is_own() - whether each CPU has a value of its own
 * @reg: the register
 *
 * Context: pure.
 */
bool register_is_own(enum pinned_register reg)
{
	return registers[reg].scope == SCOPE_OWN;
}

/**
 * register_exec_bits() - what of a register the execution guard rests on
 * @reg: the register
 *
 * EPT's right to execute for user mode counts for each address that the guest's
 * tables give to user mode, whoever runs it (SDM 3C, 29.3.3.2): it is SMEP that
 * keeps kernel mode from these. Without mode-based execute control NX does the
 * rest.
 *
 * Context: pure.
 */
u64 register_exec_bits(enum pinned_register reg)
{
	switch (reg) {
	case PINNED_CR4:
		return CR4_SMEP;
	case PINNED_EFER:
		return EFER_NXE;
	case PINNED_MISC_ENABLE:
		return MISC_ENABLE_XD_DISABLE;
	default:
		return 0;
	}
}

/**
 * register_msr() - the MSR that a register is
 * @reg: the register
 *
 * Context: pure.
 *
 * Return: its number, or 0 for one that is no MSR.
 */
u32 register_msr(enum pinned_register reg)
{
	return registers[reg].msr;
}

/**
 * register_by_msr() - the opposite
 * @msr: an MSR
 *
 * Context: pure.
 *
 * Return: the register, or PINNED_COUNT for an MSR that is not pinned.
 */
enum pinned_register register_by_msr(u32 msr)
{
	u32 i;

	for (i = 0; i < PINNED_COUNT; i++) {
		if (registers[i].msr && registers[i].msr == msr)
			break;
	}
	return i;
}

/**
 * register_name() - what reports call it
 * @reg: enum pinned_register, or anything
 *
 * Context: pure.
 */
const char *register_name(u64 reg)
{
	return reg < PINNED_COUNT ? names[reg] : "unknown";
}
