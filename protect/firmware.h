/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what of the firmware's memory is code
 *
 * Pure. Linux calls the firmware at run time, in areas that hold the text of its
 * drivers, and the data of these too: so each could be run, and written. Firmware
 * that knows better says so, in the memory attributes table (UEFI 2.10, 4.6.4):
 * of which parts no code is, and which are never written.
 */
#ifndef CARAPACE_PROTECT_FIRMWARE_H
#define CARAPACE_PROTECT_FIRMWARE_H

#include "types.h"

enum firmware_kind {
	FIRMWARE_BOTH,		/* nothing is known: it may be code, and written */
	FIRMWARE_CODE,		/* not written */
	FIRMWARE_DATA,		/* not run */
};

/**
 * struct firmware_piece - a part of the firmware's memory
 * @start: its first physical address, of a page
 * @end: the one behind its last
 * @kind: what it is
 */
struct firmware_piece {
	u64 start;
	u64 end;
	enum firmware_kind kind;
};

u32 firmware_split(const struct firmware_piece *area,
		   const struct firmware_piece *said, u32 nr_said,
		   struct firmware_piece *pieces, u32 nr, u32 room);

#endif /* CARAPACE_PROTECT_FIRMWARE_H */
