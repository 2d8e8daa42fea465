// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: reports of violations
 */
#include "report.h"

/**
 * report_add() - add a report to a ring
 * @ring: the ring of the calling CPU
 * @report: what to add; its kind is one that exists
 *
 * The count grows after the entry is complete; x86 keeps the stores in order.
 *
 * Context: one writer at a time.
 */
void report_add(struct report_ring *ring, const struct report *report)
{
	ring->entry[ring->count % REPORT_RING] = *report;
	ring->by_kind[report->kind]++;
	__atomic_store_n(&ring->count, ring->count + 1, __ATOMIC_RELEASE);
}
