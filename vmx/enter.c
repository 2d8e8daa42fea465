// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: into VMX non-root mode, in place
 *
 * Runs in Linux's context, on Linux's stack and a bridge page table with
 * interrupts off, and makes the state that the CPU has at this moment the
 * guest's: the guest starts where vcpu_enter() returns.
 *
 * Until VMLAUNCH succeeds, NMIs and machine checks go to Linux's handlers, as
 * ever; the bridge maps all that they need.
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "ept.h"
#include "host_tables.h"
#include "pebs.h"
#include "pins.h"
#include "shootdown.h"
#include "stack_settle.h"
#include "vcpu.h"
#include "x86.h"

/* exit_entry.S: what vcpu_enter() pushed, then its return address */
struct enter_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 rip;
};

extern const char vmx_exit_entry[];
int vmx_launch(const struct enter_frame *frame);
int vcpu_do_enter(struct vcpu *vcpu, const struct enter_frame *frame);

#define HOST_PAT_DEFAULT	0x0007040600070406ULL

/* All CPUs are one guest, and every logical CPU has a TLB of its own. */
#define GUEST_VPID		1

/*
 * What root's CR4 takes over from Linux: the paging mode and what protects
 * root. CPUID mirrors OSXSAVE and PKE; emulate_cpuid() says the guest's.
 */
#define HOST_CR4_KEPT	(CR4_PAE | CR4_LA57 | CR4_OSFXSR | CR4_OSXSAVE | \
			 CR4_SMEP | CR4_SMAP | CR4_UMIP)

/* Descriptors' base addresses, system descriptors' with the upper half */
static u64 segment_base(const struct descriptor_pointer *gdt, u16 selector,
			bool system)
{
	const u64 *d;
	u64 base;

	if (selector < 8 || (selector & 4) || selector > gdt->limit)
		return 0;
	d = (const u64 *)(gdt->base + (selector & ~7));
	base = (d[0] >> 16 & 0xffffff) | (d[0] >> 56) << 24;
	if (system)
		base |= d[1] << 32;
	return base;
}

static u32 access_rights(u16 selector)
{
	u32 rights = selector & ~3 ? lar(selector) : 0;

	return rights ? rights >> 8 & 0xf0ff : SEGMENT_AR_UNUSABLE;
}

/* Selector, limit, rights and base fields lie at the same distances for all. */
static void write_segment(const struct descriptor_pointer *gdt, u32 number,
			  u16 selector, bool system)
{
	u32 step = 2 * number;

	vmwrite(GUEST_ES_SELECTOR + step, selector);
	vmwrite(GUEST_ES_LIMIT + step, selector & ~3 ? lsl(selector) : 0);
	vmwrite(GUEST_ES_AR_BYTES + step, access_rights(selector));
	vmwrite(GUEST_ES_BASE + step, segment_base(gdt, selector, system));
}

static void write_guest_segments(void)
{
	struct descriptor_pointer gdt, idt;

	sgdt(&gdt);
	sidt(&idt);
	write_segment(&gdt, 0, read_es(), false);
	write_segment(&gdt, 1, read_cs(), false);
	write_segment(&gdt, 2, read_ss(), false);
	write_segment(&gdt, 3, read_ds(), false);
	write_segment(&gdt, 4, read_fs(), false);
	write_segment(&gdt, 5, read_gs(), false);
	write_segment(&gdt, 6, read_ldtr(), true);
	write_segment(&gdt, 7, read_tr(), true);
	vmwrite(GUEST_FS_BASE, rdmsr(IA32_FS_BASE));
	vmwrite(GUEST_GS_BASE, rdmsr(IA32_GS_BASE));
	vmwrite(GUEST_GDTR_BASE, gdt.base);
	vmwrite(GUEST_GDTR_LIMIT, gdt.limit);
	vmwrite(GUEST_IDTR_BASE, idt.base);
	vmwrite(GUEST_IDTR_LIMIT, idt.limit);
}

static void write_guest_state(const struct enter_frame *frame, u64 cr4)
{
	const struct vmx_controls *c = &island.config.controls;

	write_guest_segments();

	vmwrite(GUEST_CR0, read_cr0());
	vmwrite(CR0_READ_SHADOW, read_cr0());
	vmwrite(CR0_GUEST_HOST_MASK, c->cr0_fixed0);
	vmwrite(GUEST_CR3, read_cr3());
	vmwrite(GUEST_CR4, cr4 | CR4_VMXE);
	vmwrite(CR4_READ_SHADOW, cr4);
	vmwrite(CR4_GUEST_HOST_MASK, CR4_HIDDEN | c->cr4_fixed0);

	vmwrite(GUEST_RIP, frame->rip);
	vmwrite(GUEST_RSP, (u64)(frame + 1));
	vmwrite(GUEST_RFLAGS, read_rflags());
	vmwrite(GUEST_DR7, read_dr7());
	vmwrite(GUEST_IA32_DEBUGCTL, rdmsr(IA32_DEBUGCTL));
	vmwrite(GUEST_SYSENTER_CS, rdmsr(IA32_SYSENTER_CS));
	vmwrite(GUEST_SYSENTER_ESP, rdmsr(IA32_SYSENTER_ESP));
	vmwrite(GUEST_SYSENTER_EIP, rdmsr(IA32_SYSENTER_EIP));
	vmwrite(GUEST_IA32_PAT, rdmsr(IA32_PAT));
	vmwrite(GUEST_IA32_EFER, rdmsr(IA32_EFER));
	if (c->entry & VM_ENTRY_LOAD_PKRS)
		vmwrite(GUEST_IA32_PKRS, rdmsr(IA32_PKRS));
	if (c->entry & VM_ENTRY_LOAD_CET_STATE) {
		/*
		 * Linux uses no supervisor shadow stacks, and in ring 0 a
		 * user's pointer is in PL3_SSP, which nothing here changes.
		 */
		vmwrite(GUEST_S_CET, rdmsr(IA32_S_CET));
		vmwrite(GUEST_SSP, 0);
		vmwrite(GUEST_INTERRUPT_SSP_TABLE_ADDR,
			rdmsr(IA32_INTERRUPT_SSP_TABLE_ADDR));
	}

	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_STATE_ACTIVE);
	vmwrite(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmwrite(VMCS_LINK_POINTER, ~0ULL);
}

static void write_host_state(struct vcpu *vcpu, u64 cr4)
{
	const struct vmx_controls *c = &island.config.controls;
	struct host_tables *t = host_tables_of(vcpu);

	vmwrite(HOST_CR0, CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG |
			  c->cr0_fixed0);
	vmwrite(HOST_CR3, island.config.host_cr3);
	vmwrite(HOST_CR4, (cr4 & HOST_CR4_KEPT) | CR4_MCE | CR4_VMXE |
			  c->cr4_fixed0);
	vmwrite(HOST_CS_SELECTOR, HOST_CS);
	vmwrite(HOST_SS_SELECTOR, HOST_DS);
	vmwrite(HOST_DS_SELECTOR, HOST_DS);
	vmwrite(HOST_ES_SELECTOR, HOST_DS);
	vmwrite(HOST_FS_SELECTOR, 0);
	vmwrite(HOST_GS_SELECTOR, 0);
	vmwrite(HOST_TR_SELECTOR, HOST_TR);
	vmwrite(HOST_FS_BASE, 0);
	vmwrite(HOST_GS_BASE, 0);
	vmwrite(HOST_TR_BASE, (u64)&t->tss);
	vmwrite(HOST_GDTR_BASE, (u64)t->gdt);
	vmwrite(HOST_IDTR_BASE, (u64)t->idt);
	vmwrite(HOST_IA32_SYSENTER_CS, 0);
	vmwrite(HOST_IA32_SYSENTER_ESP, 0);
	vmwrite(HOST_IA32_SYSENTER_EIP, 0);
	vmwrite(HOST_IA32_PAT, HOST_PAT_DEFAULT);
	vmwrite(HOST_IA32_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	if (c->exit & VM_EXIT_LOAD_PERF_GLOBAL_CTRL)
		vmwrite(HOST_IA32_PERF_GLOBAL_CTRL, 0);
	if (c->exit & VM_EXIT_LOAD_PKRS)
		vmwrite(HOST_IA32_PKRS, 0);
	if (c->exit & VM_EXIT_LOAD_CET_STATE) {
		/* With the guest's S_CET, root's own branches would fault. */
		vmwrite(HOST_S_CET, 0);
		vmwrite(HOST_SSP, 0);
		vmwrite(HOST_INTERRUPT_SSP_TABLE_ADDR, 0);
	}
	vmwrite(HOST_RSP, vcpu_address(vcpu, VCPU_REGS_SIZE));
	vmwrite(HOST_RIP, (u64)vmx_exit_entry);
}

/*
 * Performance counters stand still in root: one that overflowed into a PEBS
 * record would write it through root's page tables. Exits load 0; not every CPU
 * can save the guest's value by a control, but all can by a list. PEBS is
 * stopped by itself, too: on some CPUs a record can come after the counters
 * were stopped (Linux: pebs_no_isolation).
 */
static void write_msr_areas(struct vcpu *vcpu)
{
	static const u32 index[PERF_MSRS] = {
		[PERF_GLOBAL_CTRL] = IA32_PERF_GLOBAL_CTRL,
		[PERF_PEBS_ENABLE] = IA32_PEBS_ENABLE,
	};
	u64 guest = vcpu->config.pa + offsetof(struct vcpu, perf_guest);
	u64 root = vcpu->config.pa + offsetof(struct vcpu, perf_root);
	u32 count = perf_msr_count();
	u32 i;

	for (i = 0; i < count; i++) {
		vcpu->perf_guest[i] = (struct msr_entry){
			.index = index[i],
			.value = rdmsr(index[i]),
		};
		vcpu->perf_root[i] = (struct msr_entry){ .index = index[i] };
	}
	vmwrite(VM_EXIT_MSR_STORE_ADDR, guest);
	vmwrite(VM_ENTRY_MSR_LOAD_ADDR, guest);
	vmwrite(VM_EXIT_MSR_LOAD_ADDR, root);
	vmwrite(VM_EXIT_MSR_STORE_COUNT, count);
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, count);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, count);
}

static void write_controls(struct vcpu *vcpu)
{
	const struct vmx_controls *c = &island.config.controls;

	vmwrite(PIN_BASED_VM_EXEC_CONTROL, c->pin);
	vmwrite(CPU_BASED_VM_EXEC_CONTROL, c->primary);
	vmwrite(SECONDARY_VM_EXEC_CONTROL, c->secondary);
	vmwrite(VM_EXIT_CONTROLS, c->exit);
	vmwrite(VM_ENTRY_CONTROLS, c->entry);
	vcpu->primary = c->primary;

	vmwrite(EXCEPTION_BITMAP, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(VM_ENTRY_INTR_INFO, 0);
	vmwrite(MSR_BITMAP, island.msr_bitmap_pa);
	vmwrite(EPT_POINTER, ept_pointer(&island.ept));
	vmwrite(VIRTUAL_PROCESSOR_ID, GUEST_VPID);
	if (island.eptp_list_pa)
		vmwrite(EPTP_LIST_ADDRESS, island.eptp_list_pa);
	if (c->secondary & SECONDARY_ENABLE_XSAVES)
		vmwrite(XSS_EXIT_BITMAP, 0);
	if (c->secondary & SECONDARY_ENABLE_PCONFIG)
		vmwrite(PCONFIG_EXITING_BITMAP, 0);
	write_msr_areas(vcpu);
	pebs_enter(vcpu);
}

#ifdef CARAPACE_TESTING
static void fail_on_purpose(struct vcpu *vcpu)
{
	switch (vcpu->config.fail_at) {
	case ENTER_FAIL_LAUNCH:
		vmwrite(CR3_TARGET_COUNT, 0xffff);
		break;
	case ENTER_FAIL_GUEST_STATE:
		vmwrite(GUEST_RFLAGS, 0);
		break;
	}
}
#else
static void fail_on_purpose(struct vcpu *vcpu)
{
	(void)vcpu;
}
#endif

static int enter_failed(struct vcpu *vcpu, enum leave_reason reason, u64 info)
{
	vcpu->config.public->leave_reason = reason;
	vcpu->config.public->leave_info = info;
	vcpu->config.public->state = VCPU_OFF;
	__atomic_store_n(&vcpu->in, false, __ATOMIC_SEQ_CST);
	return -EIO;
}

static int launch(struct vcpu *vcpu, const struct enter_frame *frame, u64 cr4)
{
	int reg;

	if (vmclear(vcpu->config.vmcs_pa) || vmptrld(vcpu->config.vmcs_pa))
		return enter_failed(vcpu, LEAVE_VMCS_FAILURE, 0);

	write_controls(vcpu);
	write_host_state(vcpu, cr4);
	write_guest_state(frame, cr4);
	fail_on_purpose(vcpu);

	reg = pins_record(vcpu);
	if (reg) {
		enter_failed(vcpu, LEAVE_PINS, reg - 1);
		vmclear(vcpu->config.vmcs_pa);
		return -EPERM;
	}
	vmwrite(CR0_GUEST_HOST_MASK, vmread(CR0_GUEST_HOST_MASK) |
				     pins_mask(vcpu, PINNED_CR0));
	vmwrite(CR4_GUEST_HOST_MASK, vmread(CR4_GUEST_HOST_MASK) |
				     pins_mask(vcpu, PINNED_CR4));

	vcpu->running_stack = 0;
	stack_settle_cpu_changes();
	shootdown_join(vcpu);
	vmx_launch(frame);

	enter_failed(vcpu, LEAVE_LAUNCH_FAILURE, vmread(VM_INSTRUCTION_ERROR));
	vmclear(vcpu->config.vmcs_pa);
	return -EIO;
}

static int do_vmxon(struct vcpu *vcpu)
{
#ifdef CARAPACE_TESTING
	if (vcpu->config.fail_at == ENTER_FAIL_VMXON)
		return -EIO;
#endif
	return vmxon(vcpu->config.vmxon_pa);
}

/**
 * vcpu_do_enter() - the body of vcpu_enter()
 * @vcpu: the calling CPU
 * @frame: where the guest starts, and with what
 *
 * CR4 is written as Linux had it but for VMXE, which Linux never sees: what it
 * keeps as the CPU's CR4 goes on being true.
 *
 * Right after VMXON, all that earlier users of VMX left in the TLBs goes
 * (SDM 3C, 29.4.3.3): transitions flush nothing once VPID is on.
 *
 * Context: ring 0 of Linux, interrupts off, on the CPU that enters.
 *
 * Return: only on failure, VMX off again: -EIO, or -EPERM where a pinned register
 * is not as it shall be.
 */
int vcpu_do_enter(struct vcpu *vcpu, const struct enter_frame *frame)
{
	u64 cr4 = read_cr4();
	int err;

	vcpu->nmi_pending = 0;
	vcpu->mc_pending = 0;
	vcpu->work = 0;
	vcpu->launched = false;
	vcpu->trial.active = false;
	vcpu->decoy.active = false;
	vcpu->decoy.attempts = 0;
	vcpu->leaving = false;
	vcpu->steal_time_taken = false;
	vcpu->event = (struct event_input){ 0 };
	vcpu->plan = (struct event_plan){ 0 };
	vcpu->config.public->planted_pa = 0;

	write_cr4(cr4 | CR4_VMXE);
	if (do_vmxon(vcpu)) {
		write_cr4(cr4);
		return enter_failed(vcpu, LEAVE_VMXON_FAILURE, 0);
	}
	invept_all();
	invvpid_all();

	err = launch(vcpu, frame, cr4);

	vmxoff();
	write_cr4(cr4);
	return err;
}
