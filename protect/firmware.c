// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what of the firmware's memory is code
 */
#include "firmware.h"

/* The part of @area that begins at @at and is of one kind */
static struct firmware_piece piece_at(const struct firmware_piece *area, u64 at,
				      const struct firmware_piece *said, u32 nr_said)
{
	struct firmware_piece piece = {
		.start = at,
		.end = area->end,
		.kind = area->kind,
	};
	u32 i;

	for (i = 0; i < nr_said; i++) {
		if (said[i].start > at && said[i].start < piece.end)
			piece.end = said[i].start;
		if (said[i].start > at || said[i].end <= at)
			continue;
		if (said[i].end < piece.end)
			piece.end = said[i].end;
		piece.kind = said[i].kind;
	}
	return piece;
}

/**
 * firmware_split() - split an area by what the firmware says of its parts
 * @area: the area; of its kind is what nothing is said of
 * @said: that
 * @nr_said: how many
 * @pieces: those that are not data are added; neighbours of one kind are one
 * @nr: how many there are
 * @room: for how many
 *
 * Context: pure.
 *
 * Return: how many there are then; more than @room, where that is not enough.
 */
u32 firmware_split(const struct firmware_piece *area,
		   const struct firmware_piece *said, u32 nr_said,
		   struct firmware_piece *pieces, u32 nr, u32 room)
{
	struct firmware_piece piece;
	u64 at;

	for (at = area->start; at < area->end; at = piece.end) {
		piece = piece_at(area, at, said, nr_said);
		if (piece.kind == FIRMWARE_DATA)
			continue;
		if (nr && pieces[nr - 1].end == at &&
		    pieces[nr - 1].kind == piece.kind)
			pieces[nr - 1].end = piece.end;
		else if (nr < room)
			pieces[nr++] = piece;
		else
			return room + 1;
	}
	return nr;
}
