// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the register guard: where pinned registers are, and their exits
 *
 * Registers that the VMCS keeps for the guest are written by the CPU itself: an
 * exit lifts the interception for one instruction (monitor trap flag), the
 * guest's instruction runs with all the CPU's own checks, and what it left
 * behind is judged before another one can run. So there is nothing to emulate
 * and nothing to race: not the operand in memory of an LIDT, not the reserved
 * bits of a new CR4. A value that breaks a pin is taken back.
 *
 * The trap comes before anything else can use the value: an MTF exit precedes
 * debug traps, NMIs and interrupts of the same boundary (SDM 3C, 26.5.2). An
 * event that is delivered before the instruction ends the trial with nothing
 * changed, and the instruction exits again later. An exception that the
 * instruction raises exits, too, and is raised again after the trial.
 *
 * MSRs that root does not switch are written by root, which is as exact.
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "guard.h"
#include "pins.h"
#include "shootdown.h"
#include "vcpu.h"
#include "x86.h"

#define NO_FIELD	0

/* Registers in the VMCS; the others are MSRs as they are */
static const u32 fields[PINNED_COUNT] = {
	[PINNED_CR0]		= GUEST_CR0,
	[PINNED_CR4]		= GUEST_CR4,
	[PINNED_EFER]		= GUEST_IA32_EFER,
	[PINNED_SYSENTER_CS]	= GUEST_SYSENTER_CS,
	[PINNED_SYSENTER_ESP]	= GUEST_SYSENTER_ESP,
	[PINNED_SYSENTER_EIP]	= GUEST_SYSENTER_EIP,
	[PINNED_S_CET]		= GUEST_S_CET,
	[PINNED_GDTR_BASE]	= GUEST_GDTR_BASE,
	[PINNED_GDTR_LIMIT]	= GUEST_GDTR_LIMIT,
	[PINNED_IDTR_BASE]	= GUEST_IDTR_BASE,
	[PINNED_IDTR_LIMIT]	= GUEST_IDTR_LIMIT,
};

/* Without CET there is no such field, and no such MSR. */
static bool is_there(enum pinned_register reg)
{
	return reg != PINNED_S_CET ||
	       (island.config.controls.exit & VM_EXIT_LOAD_CET_STATE);
}

static u64 read_register(enum pinned_register reg)
{
	if (fields[reg] != NO_FIELD)
		return vmread(fields[reg]);
	return rdmsr(register_msr(reg));
}

/**
 * pins_mask() - the bits of a register that are pinned on a CPU
 * @vcpu: the CPU
 * @reg: the register
 *
 * Context: root; after pins_record().
 */
u64 pins_mask(const struct vcpu *vcpu, enum pinned_register reg)
{
	return vcpu->pin[reg].mask;
}

/**
 * pins_fill_msr_bitmap() - have writes to the pinned MSRs exit
 * @bitmap: the MSR bitmaps, with what else exits
 * @lifted: for an instruction on trial: but for those that are judged after it
 *
 * What runs on trial need not be what exited: who changes page tables can have the
 * CPU fetch another instruction the second time.
 *
 * Context: before the first CPU enters.
 */
void pins_fill_msr_bitmap(u8 bitmap[4096], bool lifted)
{
	enum pinned_register reg;

	for (reg = 0; reg < PINNED_COUNT; reg++) {
		if (register_msr(reg) && (!lifted || fields[reg] == NO_FIELD))
			emulate_intercept_write(bitmap, register_msr(reg));
	}
}

/* Whose it is that bits of a register stay: two guards need some of them. */
static enum policy_key guard_of(enum pinned_register reg, u64 bits)
{
	if (!island.policy.value[POLICY_REGISTERS] &&
	    (bits & register_exec_bits(reg)))
		return POLICY_EXEC;
	return POLICY_REGISTERS;
}

/*
 * A CPU that comes online while guards are on has been through memory that an
 * attacker could write to: what it was says what its registers have to be, or the
 * others, where it is in for the first time. They need not agree: Linux does not
 * bring back the boot CPU's IA32_S_CET after suspend to RAM.
 */
static bool is_as_expected(const struct vcpu *vcpu, enum pinned_register reg,
			   u64 value)
{
	const struct register_pin *own = &vcpu->pin[reg];
	u64 broken = register_pin_broken(own->mask ? own : &island.pin[reg],
					 value);

	return !broken || !island.policy.value[POLICY_ENFORCE] ||
	       !island.policy.value[guard_of(reg, broken)] ||
	       register_is_own(reg);
}

/*
 * Firmware need not have an ENDBR where Linux calls it, and Linux turns IBT off
 * around the call (ibt_save()) unless the firmware says that it has. An attacker
 * can call that function as well, so allowing its site would be worth little.
 */
static void release_ibt(struct register_pin *pin)
{
	pin->mask &= ~S_CET_ENDBR_EN;
	pin->value &= pin->mask;
}

/**
 * pins_record() - pin a CPU's registers as they are
 * @vcpu: the CPU, its VMCS loaded and filled in
 *
 * Context: the CPU is about to enter.
 *
 * Return: 0, or the number of a register, plus one, that is not as it has to
 * be.
 */
int pins_record(struct vcpu *vcpu)
{
	enum pinned_register reg;
	u64 value;
	int result = 0;

	island_lock(vcpu);
	for (reg = 0; reg < PINNED_COUNT; reg++) {
		if (!is_there(reg))
			continue;
		value = read_register(reg);
		if (!is_as_expected(vcpu, reg, value)) {
			result = reg + 1;
			break;
		}
		vcpu->pin[reg] = register_pin(reg, value);
		if (reg == PINNED_S_CET && island.config.firmware_calls)
			release_ibt(&vcpu->pin[reg]);
		if (!island.policy.value[POLICY_ENFORCE])
			island.pin[reg] = vcpu->pin[reg];
	}
	island_unlock();
	return result;
}

static bool judge(struct vcpu *vcpu, enum pinned_register reg, u64 rip, u64 rsp,
		  u64 before, u64 value)
{
	struct report report = {
		.kind = REPORT_REGISTER,
		.rip = rip,
		.rsp = rsp,
		.cpl = guest_cpl(),
		.object = reg,
		.expected = before,
		.found = value,
	};

	const struct register_pin *pin = &vcpu->pin[reg];
	u64 broken = register_pin_broken(pin, value);

	if (!((value ^ before) & pin->mask) || !broken)
		return true;
	return !verdict_undoes(guard_violation(vcpu, guard_of(reg, broken),
					       &report));
}

/**
 * pins_allow() - whether a register may get a value, asked before it does
 * @vcpu: the CPU, at the exit of the instruction
 * @reg: the register
 * @value: what it is to become
 *
 * Context: root. A violation is reported.
 */
bool pins_allow(struct vcpu *vcpu, enum pinned_register reg, u64 value)
{
	return judge(vcpu, reg, vmread(GUEST_RIP), vmread(GUEST_RSP),
		     read_register(reg), value);
}

/* What exits and is neither in the VMCS's masks nor in its bitmaps */
static u32 secondary_controls(bool lifted)
{
	return island.config.controls.secondary &
	       ~(lifted ? SECONDARY_DESC_TABLE_EXITING : 0);
}

static void intercept(const struct vcpu *vcpu, bool lifted)
{
	u64 cr4_owned = CR4_HIDDEN | island.config.controls.cr4_fixed0;
	u64 cr4_pinned = pins_mask(vcpu, PINNED_CR4);
	u64 shadow;

	/* The guest reads CR4's pinned bits as they are. */
	shadow = vmread(CR4_READ_SHADOW) & cr4_owned;
	shadow |= vmread(GUEST_CR4) & ~cr4_owned;
	vmwrite(CR4_READ_SHADOW, shadow);
	vmwrite(CR4_GUEST_HOST_MASK, cr4_owned | (lifted ? 0 : cr4_pinned));

	vmwrite(MSR_BITMAP, lifted ? island.msr_bitmap_lifted_pa :
				     island.msr_bitmap_pa);
	vmwrite(SECONDARY_VM_EXEC_CONTROL, secondary_controls(lifted));
}

/**
 * pins_try() - let the CPU execute the instruction that exited, and trap
 * @vcpu: the CPU
 *
 * Context: root, at the exit of an instruction that writes to a register that
 *	the VMCS keeps.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result pins_try(struct vcpu *vcpu)
{
	enum pinned_register reg;

	vcpu->trial.rip = vmread(GUEST_RIP);
	vcpu->trial.rsp = vmread(GUEST_RSP);
	for (reg = 0; reg < PINNED_COUNT; reg++) {
		if (fields[reg] != NO_FIELD && is_there(reg))
			vcpu->trial.before[reg] = vmread(fields[reg]);
	}
	vcpu->trial.active = true;
	intercept(vcpu, true);
	/* Its code breakpoints have been dealt with (SDM 3C, 28.3.3). */
	vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_RF);
	return RESULT_RESUME;
}

/**
 * pins_judge() - the end of a trial: judge what the instruction did
 * @vcpu: the CPU
 *
 * Whatever exit comes first ends the trial, be it the trap or another one
 * before the instruction could run.
 *
 * A taken-back CR0, CR4 or EFER may have left translations behind that it would
 * not have made; so all of the guest's go.
 *
 * Context: root, at the first exit after pins_try().
 */
void pins_judge(struct vcpu *vcpu)
{
	enum pinned_register reg;
	u64 before;

	vcpu->trial.active = false;
	for (reg = 0; reg < PINNED_COUNT; reg++) {
		if (fields[reg] == NO_FIELD || !is_there(reg))
			continue;
		before = vcpu->trial.before[reg];
		if (judge(vcpu, reg, vcpu->trial.rip, vcpu->trial.rsp, before,
			  vmread(fields[reg])))
			continue;
		vmwrite(fields[reg], before);
		invvpid_all();
	}
	intercept(vcpu, false);
}

/**
 * pins_wrmsr() - WRMSR to a pinned MSR
 * @vcpu: the CPU
 * @reg: the register
 * @value: what the guest wants to write
 *
 * Context: root, at the exit of the WRMSR.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result pins_wrmsr(struct vcpu *vcpu, enum pinned_register reg,
			      u64 value)
{
	if (fields[reg] != NO_FIELD)
		return pins_try(vcpu);
	if (!pins_allow(vcpu, reg, value))
		return RESULT_SKIP;
	return wrmsr_safe(register_msr(reg), value) ? RESULT_GP(0) : RESULT_SKIP;
}
