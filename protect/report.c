// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: reports of violations
 */
#include "report.h"

static const char *const kinds[REPORT_KIND_COUNT] = {
#define X(constant, name) [REPORT_##constant] = name,
	REPORT_KINDS(X)
#undef X
};

/**
 * report_kind_name() - what a kind is called where people read it
 * @kind: enum report_kind; "unknown" for another number
 *
 * Context: pure.
 */
const char *report_kind_name(u32 kind)
{
	return kind < REPORT_KIND_COUNT ? kinds[kind] : "unknown";
}

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
