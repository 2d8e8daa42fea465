/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: root's GDT, TSS and IDT, one set a CPU
 */
#ifndef CARAPACE_VMX_HOST_TABLES_H
#define CARAPACE_VMX_HOST_TABLES_H

#include "types.h"

struct vcpu;

struct tss64 {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap;
} __attribute__((packed));

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

#define HOST_IDT_VECTORS	32

/* The VCPU_TABLES pages */
struct host_tables {
	u64 gdt[16];
	struct tss64 tss;
	struct idt_gate idt[HOST_IDT_VECTORS] __attribute__((aligned(16)));
};

static inline u64 idt_gate_offset(const struct idt_gate *gate)
{
	return gate->offset_low | (u64)gate->offset_middle << 16 |
	       (u64)gate->offset_high << 32;
}

struct host_tables *host_tables_of(struct vcpu *vcpu);
void host_tables_init(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_HOST_TABLES_H */
