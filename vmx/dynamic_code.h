/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: dynamic code: where it is
 */
#ifndef CARAPACE_VMX_DYNAMIC_CODE_H
#define CARAPACE_VMX_DYNAMIC_CODE_H

#include "types.h"

void dynamic_code_note(u64 pa, u64 va);
void dynamic_code_forget(u64 pa);
bool dynamic_code_is_at(u64 pa, u64 va);

#endif /* CARAPACE_VMX_DYNAMIC_CODE_H */
