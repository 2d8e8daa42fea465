/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the instructions that Linux patches its code with (SDM 2, A.3)
 *
 * Also for assembly.
 */
#ifndef CARAPACE_PROTECT_OPCODES_H
#define CARAPACE_PROTECT_OPCODES_H

#define OPCODE_TWO_BYTES	0x0f	/* conditional jumps, among others */
#define OPCODE_DS		0x3e
#define OPCODE_NOP		0x90
#define OPCODE_RET		0xc3
#define OPCODE_INT3		0xcc
#define OPCODE_CALL		0xe8
#define OPCODE_JMP		0xe9
#define OPCODE_JMP8		0xeb
#define OPCODE_LOCK		0xf0

#define OPCODES_NOP5		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 }

#endif /* CARAPACE_PROTECT_OPCODES_H */
