// SPDX-License-Identifier: GPL-2.0
/*
 * Writes modules that module_fuzzer begins with: those of the unit tests
 *
 * usage: fuzzer_seeds DIRECTORY
 */
#include <stdio.h>

#include "crafted.h"
#include "examine.h"
#include "patched.h"

static bool write_module(const char *directory, const char *name,
			 struct module_builder *builder)
{
	struct bytes whole = builder_finish(builder);
	char path[256];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s.ko", directory, name);
	file = fopen(path, "w");
	good = file && fwrite(whole.data, 1, whole.size, file) == whole.size;
	good = file && !fclose(file) && good;
	/* One that is refused would lead nowhere. */
	good = good && examine(&whole, 0) == 2;
	bytes_free(&whole);
	return good;
}

int main(int argc, char **argv)
{
	static struct module_builder patched;
	static struct crafted crafted;

	if (argc != 2)
		return 2;
	craft(&crafted);
	craft_patched(&patched);
	return !write_module(argv[1], "crafted", &crafted.builder) ||
	       !write_module(argv[1], "patched", &patched);
}
