/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: violations: who did it, what becomes of him, and who is told
 */
#ifndef CARAPACE_MODULE_REPORTS_H
#define CARAPACE_MODULE_REPORTS_H

#include <linux/types.h>

#include "report.h"

int reports_start(void);
void reports_stop(void);

u64 reports_by_kind(enum report_kind kind);
u64 reports_missed(void);

#endif /* CARAPACE_MODULE_REPORTS_H */
