/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what comparing code in memory with its file is made of
 */
#ifndef CARAPACE_USERSPACE_TEXT_PARTS_H
#define CARAPACE_USERSPACE_TEXT_PARTS_H

#include "text.h"

/**
 * struct text_layout - a module, and where its sections lie
 * @module: the module
 * @world: the running kernel
 * @va: addresses, by section; 0 for nowhere. The kernel does not show those of
 *	empty sections, which code refers to all the same: they are found out from
 *	the first reference, and all others have to agree.
 */
struct text_layout {
	const struct elf_module *module;
	const struct text_world *world;
	u64 *va;
};

/**
 * struct text_place - an instruction in memory
 * @va: its address
 * @live: what stands there
 * @expected: what the file has there, relocated
 * @left: how many bytes of both there are up to the section's end
 */
struct text_place {
	u64 va;
	const u8 *live;
	const u8 *expected;
	u64 left;
};

/* text_relocate.c */
void text_layout_find(struct text_layout *layout,
		      const struct elf_module *module,
		      const struct text_world *world);
void text_layout_free(struct text_layout *layout);
void text_relocate(const struct text_layout *layout, size_t section,
		   u64 offset, u64 length, u64 va, u8 *bytes, const u8 *live);

/* text_nops.c */
bool text_same_but_nops(const u8 *wanted, u32 wanted_length, const u8 *found,
			u32 length);
bool text_is_nops(const u8 *code, u32 length);

/* text_forms.c */
u32 text_explains(const struct text_layout *layout,
		  const struct text_site *site, const struct text_place *place,
		  enum text_kind *kind);
u32 text_explains_jump(const struct text_layout *layout,
		       const struct text_place *place, enum text_kind *kind);

#endif /* CARAPACE_USERSPACE_TEXT_PARTS_H */
