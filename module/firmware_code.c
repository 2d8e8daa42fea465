// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: where the firmware has code that Linux calls
 *
 * At run time, at addresses and in memory of the firmware's, which Linux maps for
 * these calls only. By Linux's tables it is what the firmware's memory attributes
 * table says: text that is not written, data that is not run. Root goes by the same
 * table. Where there is none, all that the firmware has under the name of code can
 * be run and written, by Linux's tables as by root's.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/efi.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "firmware_code.h"
#include "island.h"
#include "kernel_symbols.h"

static struct firmware_piece pieces[ISLAND_FIRMWARE];

#ifdef CONFIG_EFI
static enum firmware_kind kind_of(u64 attribute)
{
	if (attribute & EFI_MEMORY_XP)
		return FIRMWARE_DATA;
	return attribute & EFI_MEMORY_RO ? FIRMWARE_CODE : FIRMWARE_BOTH;
}

static struct firmware_piece piece_of(const efi_memory_desc_t *md,
				      enum firmware_kind kind)
{
	return (struct firmware_piece){
		.start = md->phys_addr,
		.end = md->phys_addr + (md->num_pages << EFI_PAGE_SHIFT),
		.kind = kind,
	};
}

static void *map_attributes(size_t *size)
{
	unsigned long *pa = (void *)kernel_symbol("efi_mem_attr_table");
	efi_memory_attributes_table_t *table;

	if (!efi_enabled(EFI_MEM_ATTR) || !pa || *pa == EFI_INVALID_TABLE_ADDR)
		return NULL;
	table = memremap(*pa, sizeof(*table), MEMREMAP_WB);
	if (!table)
		return NULL;
	*size = sizeof(*table) + (size_t)table->num_entries * table->desc_size;
	/* As Linux has it (drivers/firmware/efi/memattr.c) */
	if (table->version > 2 || table->desc_size < sizeof(efi_memory_desc_t) ||
	    table->num_entries > 3 * efi.memmap.nr_map)
		*size = 0;
	memunmap(table);
	return *size ? memremap(*pa, *size, MEMREMAP_WB) : NULL;
}

/* Return: how many; *said is to be freed. */
static int read_attributes(struct firmware_piece **said)
{
	efi_memory_attributes_table_t *table;
	size_t size;
	u32 i, nr;

	*said = NULL;
	table = map_attributes(&size);
	if (!table)
		return 0;
	nr = table->num_entries;
	*said = kvcalloc(nr, sizeof(**said), GFP_KERNEL);
	for (i = 0; *said && i < nr; i++) {
		const efi_memory_desc_t *md = (void *)table->entry +
					      (size_t)i * table->desc_size;

		(*said)[i] = piece_of(md, kind_of(md->attribute));
	}
	memunmap(table);
	return *said ? nr : -ENOMEM;
}

/**
 * firmware_code_find() - look where it is
 *
 * Context: may sleep; before island_load().
 *
 * Return: 0; -EOPNOTSUPP after one line; -ENOMEM.
 */
int firmware_code_find(void)
{
	const efi_memory_desc_t *md;
	struct firmware_piece *said;
	int nr_said;
	u32 nr = 0;

	if (!efi_enabled(EFI_RUNTIME_SERVICES))
		return 0;
	nr_said = read_attributes(&said);
	if (nr_said < 0)
		return nr_said;
	for_each_efi_memory_desc(md) {
		struct firmware_piece area = piece_of(md, FIRMWARE_BOTH);

		if (md->type == EFI_RUNTIME_SERVICES_CODE)
			nr = firmware_split(&area, said, nr_said, pieces, nr,
					    ISLAND_FIRMWARE);
		if (nr > ISLAND_FIRMWARE)
			break;
	}
	kvfree(said);
	if (nr <= ISLAND_FIRMWARE)
		return 0;
	pr_err("the firmware has more than %u areas of code; boot with efi=noruntime\n",
	       ISLAND_FIRMWARE);
	return -EOPNOTSUPP;
}
#else
int firmware_code_find(void)
{
	return 0;
}
#endif

/**
 * firmware_code_describe() - tell root
 * @config: filled in
 *
 * Context: any.
 */
void firmware_code_describe(struct island_config *config)
{
	memcpy(config->firmware, pieces, sizeof(pieces));
}
