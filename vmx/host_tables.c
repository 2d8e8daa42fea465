// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: root's GDT, TSS and IDT, one set a CPU
 */
#include "host_tables.h"
#include "layout.h"
#include "memory.h"
#include "vcpu.h"
#include "x86.h"

/*
 * IST slots carry Linux's numbers (asm/page_64_types.h) where both have one:
 * on the way out, root's IDT is for a moment used with Linux's TSS.
 */
enum host_ist {
	HOST_IST_DF	= 1,
	HOST_IST_NMI	= 2,
	HOST_IST_FAULT	= 3,
	HOST_IST_MC	= 4,
};

#define GDT_CODE64	0x00af9b000000ffffULL
#define GDT_DATA	0x00cf93000000ffffULL
#define TSS_AVAILABLE	0x89ULL
#define GATE_INTERRUPT	0x8e

/* exception_entry.S: entry points, 16 bytes apart */
extern const char exception_entries[][16];

_Static_assert(sizeof(struct host_tables) <= PAGE_SIZE, "layout.h");

/**
 * host_tables_of() - a CPU's tables
 * @vcpu: the CPU
 *
 * Context: root.
 */
struct host_tables *host_tables_of(struct vcpu *vcpu)
{
	return (struct host_tables *)vcpu_address(vcpu, VCPU_TABLES);
}

static u8 ist_for(u32 vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return HOST_IST_NMI;
	case VECTOR_DF:
		return HOST_IST_DF;
	case VECTOR_MC:
		return HOST_IST_MC;
	default:
		return HOST_IST_FAULT;
	}
}

/**
 * host_tables_init() - write a CPU's tables
 * @vcpu: the CPU
 *
 * Interrupts are off whenever root runs, so the IDT ends with the exceptions.
 *
 * Context: before the CPU enters.
 */
void host_tables_init(struct vcpu *vcpu)
{
	struct host_tables *t = host_tables_of(vcpu);
	u64 tss = (u64)&t->tss;
	u64 entry;
	u32 i;

	memset(t, 0, sizeof(*t));

	t->gdt[HOST_CS / 8] = GDT_CODE64;
	t->gdt[HOST_DS / 8] = GDT_DATA;
	t->gdt[HOST_TR / 8] = (sizeof(t->tss) - 1) |
			      (tss & 0xffffff) << 16 | TSS_AVAILABLE << 40 |
			      (tss >> 24 & 0xff) << 56;
	t->gdt[HOST_TR / 8 + 1] = tss >> 32;

	t->tss.io_bitmap = sizeof(t->tss);
	t->tss.ist[HOST_IST_DF - 1] = vcpu_address(vcpu, VCPU_DF_STACK + PAGE_SIZE);
	t->tss.ist[HOST_IST_NMI - 1] = vcpu_address(vcpu, VCPU_NMI_STACK + PAGE_SIZE);
	t->tss.ist[HOST_IST_FAULT - 1] =
		vcpu_address(vcpu, VCPU_FAULT_STACK + PAGE_SIZE);
	t->tss.ist[HOST_IST_MC - 1] = vcpu_address(vcpu, VCPU_MC_STACK + PAGE_SIZE);

	for (i = 0; i < HOST_IDT_VECTORS; i++) {
		entry = (u64)exception_entries[i];
		t->idt[i] = (struct idt_gate){
			.offset_low = entry,
			.selector = HOST_CS,
			.ist = ist_for(i),
			.type = GATE_INTERRUPT,
			.offset_middle = entry >> 16,
			.offset_high = entry >> 32,
		};
	}
}
