/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the local APIC: inter-processor interrupts from root (SDM 3A, 11.6)
 */
#ifndef CARAPACE_VMX_APIC_H
#define CARAPACE_VMX_APIC_H

#include "cpu_ops.h"
#include "layout.h"
#include "x86.h"

#define APIC_ICR_LOW		0x300
#define APIC_ICR_HIGH		0x310
#define APIC_ICR_PENDING	(1U << 12)

/* Delivery mode and level: what the low half of the ICR says */
#define APIC_ICR_NMI		0x4400
#define APIC_ICR_INIT_ASSERT	0x4500

static inline void apic_wait_idle(const volatile u32 *apic)
{
	while (apic[APIC_ICR_LOW / 4] & APIC_ICR_PENDING)
		pause();
}

/**
 * apic_send() - send an interrupt to one CPU
 * @apic_id: its local APIC's ID
 * @command: APIC_ICR_NMI or APIC_ICR_INIT_ASSERT
 *
 * In xAPIC mode an interrupt takes two writes, and the exit may have come
 * between two of Linux's. So the destination is put back as it was.
 *
 * Context: root, interrupts off, not in an NMI.
 */
static inline void apic_send(u64 apic_id, u32 command)
{
	volatile u32 *apic = (volatile u32 *)ISLAND_APIC;
	u32 destination;

	if (rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD) {
		wrmsr(IA32_X2APIC_ICR, apic_id << 32 | command);
		return;
	}
	apic_wait_idle(apic);
	destination = apic[APIC_ICR_HIGH / 4];
	apic[APIC_ICR_HIGH / 4] = apic_id << 24;
	apic[APIC_ICR_LOW / 4] = command;
	apic_wait_idle(apic);
	apic[APIC_ICR_HIGH / 4] = destination;
}

#endif /* CARAPACE_VMX_APIC_H */
