/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: a look at one page of the guest's memory
 *
 * Root maps none of it otherwise: what is not mapped cannot be read or written
 * by mistake. Each CPU has one window.
 */
#ifndef CARAPACE_VMX_WINDOW_H
#define CARAPACE_VMX_WINDOW_H

#include "cpu_ops.h"
#include "vcpu.h"
#include "x86.h"

/**
 * window_map() - point this CPU's window at a page
 * @vcpu: the CPU
 * @pa: any address in the page
 *
 * Context: root, on this CPU. Ends what the window showed before.
 *
 * Return: the page.
 */
static inline void *window_map(struct vcpu *vcpu, u64 pa)
{
	void *window = (void *)vcpu_address(vcpu, VCPU_WINDOW);

	*(volatile u64 *)vcpu->config.window_pte =
		(pa & PTE_ADDR_MASK) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
	invlpg(window);
	return window;
}

/**
 * window_at() - the same, for what lies in a page
 * @vcpu: the CPU
 * @pa: its address
 *
 * Context: root, on this CPU. Ends what the window showed before.
 *
 * Return: where it is seen, as far as the page goes.
 */
static inline void *window_at(struct vcpu *vcpu, u64 pa)
{
	return (u8 *)window_map(vcpu, pa) + pa % PAGE_SIZE;
}

#endif /* CARAPACE_VMX_WINDOW_H */
