// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: out of VMX operation, with everything as the guest had it
 *
 * One way out for all cases: asked by the guest half, after a fault of root's
 * own, after an entry that failed, at an INIT or a triple fault. So it takes
 * the guest wherever it stands, in any ring and on any page table, and needs
 * no help from it.
 *
 * The last instructions need root's text and Linux's state at once. The
 * island's slot is therefore planted in the page table that the guest's CR3
 * names, where the guest half has not done that already on a page table of its
 * own (module/bridge.h). Everything up to IRETQ then runs on Linux's page
 * table, at root's addresses.
 *
 * An NMI must find a working IDT, GDT and TSS at each instruction. Root's
 * IDT stays until all that Linux's handler needs is in place; until then its
 * own handler counts the NMI, and it is delivered at the end. Selectors and IST
 * slots have the same numbers in both worlds (layout.h, host_tables.c), so the
 * order of GDT, TSS and IDT leaves no gap.
 */
#include "apic.h"
#include "cpu_ops.h"
#include "exit.h"
#include "guest_walk.h"
#include "host_tables.h"
#include "leave.h"
#include "shootdown.h"
#include "stack_settle.h"
#include "stack_lock.h"
#include "stack_task.h"
#include "steal_time.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

/* exit_entry.S */
void vmx_leave_to(struct vcpu *vcpu) __attribute__((noreturn));

/* Of a TSS descriptor's type: available or busy */
#define TSS_BUSY	(2ULL << 40)

/* What the VMCS holds and VMXOFF loses */
struct guest_state {
	u64 cr0, cr3, cr4, dr7, rip, rsp, rflags;
	u64 fs_base, gs_base, tr_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 debugctl, pat, efer, pkrs, s_cet, ssp, interrupt_ssp_table;
	u16 cs, ss, ds, es, fs, gs, ldtr, tr;
	u32 cpl;
	struct descriptor_pointer gdt, idt;
};

static void save_guest_state(struct guest_state *g)
{
	const struct vmx_controls *c = &island.config.controls;
	u64 cr0_mask = vmread(CR0_GUEST_HOST_MASK);
	u64 cr4_mask = vmread(CR4_GUEST_HOST_MASK);

	g->cr0 = (vmread(GUEST_CR0) & ~cr0_mask) |
		 (vmread(CR0_READ_SHADOW) & cr0_mask);
	g->cr4 = (vmread(GUEST_CR4) & ~cr4_mask) |
		 (vmread(CR4_READ_SHADOW) & cr4_mask);
	g->cr3 = vmread(GUEST_CR3);
	g->dr7 = vmread(GUEST_DR7);
	g->rip = vmread(GUEST_RIP);
	g->rsp = vmread(GUEST_RSP);
	g->rflags = vmread(GUEST_RFLAGS);
	g->fs_base = vmread(GUEST_FS_BASE);
	g->gs_base = vmread(GUEST_GS_BASE);
	g->tr_base = vmread(GUEST_TR_BASE);
	g->sysenter_cs = vmread(GUEST_SYSENTER_CS);
	g->sysenter_esp = vmread(GUEST_SYSENTER_ESP);
	g->sysenter_eip = vmread(GUEST_SYSENTER_EIP);
	g->debugctl = vmread(GUEST_IA32_DEBUGCTL);
	g->pat = vmread(GUEST_IA32_PAT);
	g->efer = vmread(GUEST_IA32_EFER);
	if (c->exit & VM_EXIT_LOAD_PKRS)
		g->pkrs = vmread(GUEST_IA32_PKRS);
	if (c->exit & VM_EXIT_LOAD_CET_STATE) {
		g->s_cet = vmread(GUEST_S_CET);
		g->ssp = vmread(GUEST_SSP);
		g->interrupt_ssp_table = vmread(GUEST_INTERRUPT_SSP_TABLE_ADDR);
	}
	g->cs = vmread(GUEST_CS_SELECTOR);
	g->ss = vmread(GUEST_SS_SELECTOR);
	g->ds = vmread(GUEST_DS_SELECTOR);
	g->es = vmread(GUEST_ES_SELECTOR);
	g->fs = vmread(GUEST_FS_SELECTOR);
	g->gs = vmread(GUEST_GS_SELECTOR);
	g->ldtr = vmread(GUEST_LDTR_SELECTOR);
	g->tr = vmread(GUEST_TR_SELECTOR);
	g->cpl = guest_cpl();
	g->gdt.base = vmread(GUEST_GDTR_BASE);
	g->gdt.limit = vmread(GUEST_GDTR_LIMIT);
	g->idt.base = vmread(GUEST_IDTR_BASE);
	g->idt.limit = vmread(GUEST_IDTR_LIMIT);
}

/*
 * A guest whose page table lies in root's memory, or nowhere, runs from its TLB
 * alone. It has no way to go on; and the CPUs that are still attached need
 * root's memory as it is.
 */
static u64 *map_table(struct vcpu *vcpu, u64 table)
{
	if (!guest_owns(table))
		vmx_shut_down();
	return window_map(vcpu, table);
}

/*
 * The page table that is left behind keeps the slot. After a detach it is the
 * guest half's own; after a failure, Linux never looks at the slot, and the
 * guest half takes it out before it frees the pool.
 */
static void plant_slot(struct vcpu *vcpu, const struct guest_state *g)
{
	u64 table = g->cr3 & CR3_ADDR_MASK;
	u64 *entries = map_table(vcpu, table);

	if (g->cr4 & CR4_LA57) {
		if (!(entries[ISLAND_PML5_INDEX] & PTE_P))
			vmx_shut_down();
		table = entries[ISLAND_PML5_INDEX] & PTE_ADDR_MASK;
		entries = map_table(vcpu, table);
	}
	if (entries[ISLAND_PML4_INDEX] == island.config.slot_entry)
		return;
	entries[ISLAND_PML4_INDEX] = island.config.slot_entry;
	vcpu->config.public->planted_pa = table;
}

/*
 * MSRs that exits load or that only the VMCS keeps. DEBUGCTL comes last of
 * all, so that no branch of root's is recorded or trapped.
 */
static void restore_msrs(struct vcpu *vcpu, const struct guest_state *g)
{
	const struct vmx_controls *c = &island.config.controls;
	u32 i;

	wrmsr(IA32_EFER, g->efer);
	wrmsr(IA32_SYSENTER_CS, g->sysenter_cs);
	wrmsr(IA32_SYSENTER_ESP, g->sysenter_esp);
	wrmsr(IA32_SYSENTER_EIP, g->sysenter_eip);
	if (c->exit & VM_EXIT_LOAD_PKRS)
		wrmsr_safe(IA32_PKRS, g->pkrs);
	if (c->exit & VM_EXIT_LOAD_CET_STATE)
		wrmsr_safe(IA32_INTERRUPT_SSP_TABLE_ADDR, g->interrupt_ssp_table);
	for (i = perf_msr_count(); i > 0; i--)
		wrmsr(vcpu->perf_guest[i - 1].index,
		      vcpu->perf_guest[i - 1].value);
}

/*
 * The PAT comes first: Linux's page table must never be walked, not even
 * speculatively, with root's, which has no write-combining. Root's own tables
 * mean the same with both.
 *
 * Onto Linux's page table, then drop every translation, global ones too: what
 * this CPU cached without VPID dates from before VMXON (SDM 3C, 29.4). PCIDE is
 * set while CR3's low bits are still 0, as the CPU demands. CET waits until
 * IA32_S_CET has its value.
 */
static void switch_page_table(const struct guest_state *g)
{
	u64 cr4 = g->cr4 & ~CR4_CET;

	wrmsr(IA32_PAT, g->pat);
	write_cr0(g->cr0);
	write_cr4(cr4);
	write_cr3(g->cr3 & ~(1ULL << 63));
	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

/*
 * LTR demands a TSS that is not busy and marks it so, and Linux maps its GDT
 * read-only. So TR is loaded with the GDT seen through the window, which both
 * page tables have, and only then the GDT as Linux has it.
 *
 * A GDT that lies across pages, or nowhere: the guest's own doing, and then it
 * keeps what it has made of it: no TSS.
 */
static void restore_tr(struct vcpu *vcpu, const struct guest_state *g)
{
	struct descriptor_pointer gdt = g->gdt;
	struct guest_mapping mapping;
	u64 *descriptor;
	u64 pa;

	if (!guest_walk_from(vcpu, g->cr3, g->cr4 & CR4_LA57 ? 5 : 4,
			     g->gdt.base, &mapping))
		return;
	pa = mapping.pa;
	if (!guest_owns(pa) ||
	    (pa & ~PTE_ADDR_MASK) + g->gdt.limit >= PAGE_SIZE ||
	    g->tr + 15 > g->gdt.limit)
		return;

	gdt.base = (u64)window_at(vcpu, pa);
	descriptor = (u64 *)(gdt.base + (g->tr & ~7));
	*descriptor &= ~TSS_BUSY;
	lgdt(&gdt);
	write_tr_safe(g->tr);
}

/* FS and GS bases come after their selectors, which reset them. */
static void restore_segments(struct vcpu *vcpu, const struct guest_state *g)
{
	restore_tr(vcpu, g);
	lgdt(&g->gdt);
	write_ldtr_safe(g->ldtr);
	write_ds_safe(g->ds);
	write_es_safe(g->es);
	write_fs_safe(g->fs);
	write_gs_safe(g->gs);
	wrmsr(IA32_FS_BASE, g->fs_base);
	wrmsr(IA32_GS_BASE, g->gs_base);
}

/*
 * Supervisor CET. A pending "wait for ENDBRANCH" is dropped: root's next
 * instructions would trip over it, and no IRET can hand it on; one indirect
 * branch of the guest's goes unchecked. To ring 3 the shadow-stack pointer
 * travels in PL3_SSP, where IRETQ fetches it.
 */
static void restore_cet(const struct guest_state *g)
{
	if (!(island.config.controls.exit & VM_EXIT_LOAD_CET_STATE))
		return;
	wrmsr(IA32_S_CET, g->s_cet & ~S_CET_TRACKER);
	if ((g->cr4 & CR4_CET) && g->cpl == 3)
		wrmsr_safe(IA32_PL3_SSP, g->ssp);
	write_cr4(g->cr4);
}

/*
 * Deliver an event as the CPU would in 64-bit mode (SDM 3A, 6.14): used for
 * what was under delivery when the CPU left, or came while it did. All of
 * Linux's tables are loaded; the frame goes to the stack that they name.
 */
static void deliver(const struct guest_state *g, struct iret_frame *frame,
		    u32 vector, bool has_error, u64 error)
{
	const struct idt_gate *gate = (struct idt_gate *)g->idt.base + vector;
	const struct tss64 *tss;
	u64 *sp;

	if (vector * sizeof(*gate) + sizeof(*gate) - 1 > g->idt.limit)
		return;

	tss = (const struct tss64 *)g->tr_base;
	if (gate->ist & 7)
		sp = (u64 *)tss->ist[(gate->ist & 7) - 1];
	else if (frame->cs & 3)
		sp = (u64 *)tss->rsp[0];
	else
		sp = (u64 *)frame->rsp;
	sp = (u64 *)((u64)sp & ~15ULL);
	*--sp = frame->ss;
	*--sp = frame->rsp;
	*--sp = frame->rflags;
	*--sp = frame->cs;
	*--sp = frame->rip;
	if (has_error)
		*--sp = error;

	if (frame->cs & 3)
		frame->ss = 0;
	frame->rip = idt_gate_offset(gate);
	frame->cs = gate->selector;
	frame->rsp = (u64)sp;
	frame->rflags &= ~(RFLAGS_TF | RFLAGS_IF | RFLAGS_RF | RFLAGS_NT);
}

/*
 * What the exit cut short, then one NMI: those that came (the CPU would have
 * latched one), or one of root's own, by which the guest half learns that this
 * CPU has left. Software interrupts and exceptions are not delivered but
 * executed again: RIP still points at them.
 */
static void deliver_pending(struct vcpu *vcpu, const struct guest_state *g,
			    bool tell)
{
	u32 info = vcpu->event.vectoring_info;
	bool nmi = tell || vcpu->nmi_pending;

	/*
	 * IRETQ will unblock NMIs, so a further one can come before Linux's
	 * handler has noted that it runs, and would overwrite its frame. That
	 * takes two NMIs within a few instructions on a CPU that is leaving.
	 */

	if (info & INTR_INFO_VALID) {
		switch ((info & INTR_INFO_TYPE_MASK) >> INTR_INFO_TYPE_SHIFT) {
		case INTR_TYPE_NMI:
			nmi = true;
			break;
		case INTR_TYPE_EXT_INTR:
		case INTR_TYPE_HARD_EXCEPTION:
			deliver(g, &vcpu->leave_frame,
				info & INTR_INFO_VECTOR_MASK,
				info & INTR_INFO_DELIVER_ERROR_CODE,
				vcpu->event.vectoring_error);
			break;
		}
	}
	if (vcpu->mc_pending)
		deliver(g, &vcpu->leave_frame, VECTOR_MC, false, 0);
	if (nmi)
		deliver(g, &vcpu->leave_frame, VECTOR_NMI, false, 0);
}

/**
 * vmx_shut_down() - what a bare CPU does with a triple fault: the real thing
 *
 * Context: root. Does not return.
 */
void vmx_shut_down(void)
{
	struct descriptor_pointer none = { 0, 0 };

	lidt(&none);
	for (;;)
		asm volatile("int3");
}

/*
 * The exit used the INIT up. This CPU sends itself another one, which acts as
 * soon as it arrives, VMX being off: state lost, waiting for a SIPI.
 */
static void __attribute__((noreturn)) init_self(const struct vcpu *vcpu)
{
	apic_send(vcpu->config.apic_id, APIC_ICR_INIT_ASSERT);
	for (;;)
		pause();
}

/* A CPU that never got in has nothing to lose. */
static enum vcpu_state state_after(const struct vcpu *vcpu,
				   enum leave_reason reason)
{
	if (!vcpu->launched)
		return VCPU_OFF;
	switch (reason) {
	case LEAVE_ASKED:
	case LEAVE_INIT:
	case LEAVE_TRIPLE_FAULT:
		return VCPU_OFF;
	default:
		return VCPU_DEGRADED;
	}
}

static void record(struct vcpu *vcpu, enum leave_reason reason)
{
	struct vcpu_public *public = vcpu->config.public;

	public->leave_exit_reason = vcpu->exit_reason;
	switch (reason) {
	case LEAVE_ROOT_FAULT:
		break;			/* fault.c has said more */
	case LEAVE_RESUME_FAILURE:
		public->leave_rip = vmread(GUEST_RIP);
		public->leave_info = vmread(VM_INSTRUCTION_ERROR);
		break;
	default:
		public->leave_rip = vmread(GUEST_RIP);
		public->leave_info = vmread(EXIT_QUALIFICATION);
	}
	public->leave_reason = reason;
	public->state = state_after(vcpu, reason);
	/* From here on this CPU runs no guest, so there is nothing to drop. */
	__atomic_store_n(&vcpu->in, false, __ATOMIC_SEQ_CST);
	stack_settle_cpu_changes();
}

/**
 * vmx_leave() - give this CPU back to Linux
 * @vcpu: the CPU
 * @reason: why, for those who look
 *
 * The guest goes on where its RIP says, on the bare CPU; but locked, the machine
 * is reset instead, whatever the reason: an INIT, which anybody who reaches the
 * local APIC can send, or a fault of root's own, which might be brought about.
 *
 * An entry that failed before the first one succeeded goes on behind
 * vcpu_enter(), which then returns -EIO.
 *
 * Context: root, on any of this CPU's stacks but the fault stack, VMCS loaded.
 */
void vmx_leave(struct vcpu *vcpu, enum leave_reason reason)
{
	struct guest_state g;

	vcpu->leaving = true;
	stack_task_let_go(vcpu);
	stack_unlock(vcpu);
	island_unlock_if_mine(vcpu);
	record(vcpu, reason);
	if (vcpu->launched && island_locked()) {
		vmxoff();
		vmx_shut_down();
	}
	save_guest_state(&g);
	if (!vcpu->launched)
		vcpu->regs.rax = (u64)-EIO;

	vmclear(vcpu->config.vmcs_pa);
	vmxoff();

	if (reason == LEAVE_TRIPLE_FAULT)
		vmx_shut_down();
	if (reason == LEAVE_INIT) {
		write_cr4(read_cr4() & ~CR4_VMXE);
		init_self(vcpu);
	}

	steal_time_give_back(vcpu);
	plant_slot(vcpu, &g);
	switch_page_table(&g);
	restore_msrs(vcpu, &g);
	restore_segments(vcpu, &g);
	lidt(&g.idt);

	vcpu->leave_frame = (struct iret_frame){
		.rip = g.rip,
		.cs = g.cs,
		.rflags = g.rflags,
		.rsp = g.rsp,
		.ss = g.ss,
	};
	deliver_pending(vcpu, &g, state_after(vcpu, reason) == VCPU_DEGRADED);

	restore_cet(&g);
	write_dr7(g.dr7);
	wrmsr(IA32_DEBUGCTL, g.debugctl);
	vmx_leave_to(vcpu);
}
