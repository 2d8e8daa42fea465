// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl verify: whether modules' code in memory is what their files have
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "json.h"
#include "kcore.h"
#include "kernel_module.h"
#include "message.h"
#include "module_files.h"
#include "text.h"

#define NOTE_MAX	256

struct verify {
	struct kcore kcore;
	struct symbols symbols;
	u64 *probes;
	size_t nr_probes;
	bool as_json;
	struct json json;
	size_t nr_modules;
	bool any_different;
	bool any_bad;
};

/* For the callbacks of struct text_world */
struct one {
	struct verify *verify;
	const char *module;
};

static const struct {
	const char *name;
	const char *words;
} kinds[] = {
#define X(kind, name_, words_) [TEXT_##kind] = { name_, words_ },
	TEXT_KINDS(X)
#undef X
};

static bool section(void *context, const char *name, u64 *va)
{
	const struct one *one = context;

	return module_section(one->module, name, va);
}

static bool read_memory(void *context, u64 va, u8 *bytes, size_t size)
{
	const struct one *one = context;

	return kcore_read(&one->verify->kcore, va, bytes, size);
}

static bool probed(void *context, u64 va)
{
	const struct verify *verify = ((struct one *)context)->verify;
	size_t i;

	for (i = 0; i < verify->nr_probes; i++) {
		if (verify->probes[i] == va)
			return true;
	}
	return false;
}

/* Those that debugfs shows; where it is not there, kprobes remain unexplained. */
static void read_probes(struct verify *verify)
{
	FILE *file = fopen("/sys/kernel/debug/kprobes/list", "r");
	char line[512], *end;
	u64 va;

	while (file && fgets(line, sizeof(line), file)) {
		va = strtoull(line, &end, 16);
		if (end == line)
			continue;
		verify->probes = realloc(verify->probes,
					 (verify->nr_probes + 1) * sizeof(va));
		if (!verify->probes)
			out_of_memory();
		verify->probes[verify->nr_probes++] = va;
	}
	if (file)
		fclose(file);
}

static void print_bytes(const char *what, const u8 *bytes, u64 size)
{
	u64 i;

	printf("    %-8s", what);
	for (i = 0; i < size && i < TEXT_SHOWN; i++)
		printf(" %02x", bytes[i]);
	printf("%s\n", size > TEXT_SHOWN ? " ..." : "");
}

static void print_difference(const struct text_difference *difference)
{
	printf("  %s", colour(COLOUR_BAD));
	if (difference->function)
		printf("%s+0x%" PRIx64 ", ", difference->function,
		       difference->function_offset);
	printf("%s+0x%" PRIx64 " at 0x%" PRIx64 ": %" PRIu64 " byte%s%s\n",
	       difference->section, difference->offset, difference->va,
	       difference->size, difference->size == 1 ? "" : "s",
	       colour(COLOUR_NONE));
	print_bytes("expected", difference->expected, difference->size);
	print_bytes("found", difference->found, difference->size);
}

static void print_result(const char *module, const char *path,
			 const struct text_result *result)
{
	bool good = !result->nr_differences && !*result->not_read;
	const char *separator = "; changed by Linux: ";
	enum text_kind kind;
	size_t i;

	printf("%s%s%s: %" PRIu64 " bytes of code, %s%s%s %s", colour(COLOUR_STRONG),
	       module, colour(COLOUR_NONE), result->bytes,
	       colour(good ? COLOUR_GOOD : COLOUR_BAD),
	       good ? "as in" : "not as in", colour(COLOUR_NONE), path);
	for (kind = 0; kind < TEXT_KIND_COUNT; kind++) {
		if (!result->patched[kind])
			continue;
		printf("%s%" PRIu64 " %s", separator, result->patched[kind],
		       kinds[kind].words);
		separator = ", ";
	}
	putchar('\n');
	if (*result->not_read)
		printf("  %scannot be read: %s%s\n", colour(COLOUR_BAD),
		       result->not_read, colour(COLOUR_NONE));
	for (i = 0; i < result->nr_differences; i++)
		print_difference(&result->differences[i]);
}

static void write_bytes(struct json *json, const char *key, const u8 *bytes,
			u64 size)
{
	char text[2 * TEXT_SHOWN + 1] = "";
	u64 i;

	for (i = 0; i < size && i < TEXT_SHOWN; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	json_string(json, key, text);
}

static void write_result(struct json *json, const char *module,
			 const char *path, const struct text_result *result)
{
	enum text_kind kind;
	size_t i;

	json_open(json, NULL, '{');
	json_string(json, "module", module);
	json_string(json, "file", path);
	json_bool(json, "same", !result->nr_differences && !*result->not_read);
	json_number(json, "bytes", result->bytes);
	json_string(json, "not_read", result->not_read);
	json_open(json, "patched", '{');
	for (kind = 0; kind < TEXT_KIND_COUNT; kind++)
		json_number(json, kinds[kind].name, result->patched[kind]);
	json_close(json, '}');
	json_open(json, "differences", '[');
	for (i = 0; i < result->nr_differences; i++) {
		const struct text_difference *difference =
			&result->differences[i];

		json_open(json, NULL, '{');
		json_string(json, "section", difference->section);
		json_number(json, "offset", difference->offset);
		json_number(json, "address", difference->va);
		json_number(json, "bytes", difference->size);
		json_string(json, "function", difference->function);
		json_number(json, "function_offset",
			    difference->function_offset);
		write_bytes(json, "expected", difference->expected,
			    difference->size);
		write_bytes(json, "found", difference->found, difference->size);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

/* Files that were built at another time have other code. */
static bool check_build(const struct elf_module *module, const char *name,
			struct reason *why)
{
	const struct elf_section *note;
	u8 loaded[NOTE_MAX];
	size_t size;

	if (!module->name || strcmp(module->name, name))
		return refuse(why, "this is the module %s, and not %s",
			      module->name ? module->name : "without a name",
			      name);
	note = elf_module_section(module, ".note.gnu.build-id");
	if (!module_note(name, loaded, sizeof(loaded), &size))
		return !note || !note->data ||
		       refuse(why, "it has a build ID, and the loaded module none");
	return (note && note->data && note->size == size &&
		!memcmp(note->data, loaded, size)) ||
	       refuse(why, "another build than the loaded module, by its build ID");
}

static void bad_module(struct verify *verify, const char *module,
		       const struct reason *why)
{
	verify->any_bad = true;
	complain("%s: %s", module, why->text);
	if (!verify->as_json)
		return;
	json_open(&verify->json, NULL, '{');
	json_string(&verify->json, "module", module);
	json_string(&verify->json, "error", why->text);
	json_close(&verify->json, '}');
}

static bool compare(struct verify *verify, const char *name, const char *path,
		    struct elf_module *module, struct reason *why)
{
	struct one one = { verify, name };
	const struct text_world world = {
		.section = section,
		.read = read_memory,
		.probed = probed,
		.symbols = &verify->symbols,
		.context = &one,
	};
	struct text_result result;

	if (!check_build(module, name, why) ||
	    !text_compare(module, &world, &result, why))
		return false;
	verify->nr_modules++;
	if (result.nr_differences || *result.not_read)
		verify->any_different = true;
	if (verify->as_json)
		write_result(&verify->json, name, path, &result);
	else
		print_result(name, path, &result);
	text_result_free(&result);
	return true;
}

/* @name: NULL for what the file says that it is */
static void verify_file(struct verify *verify, const char *name,
			const char *path)
{
	struct elf_module module;
	struct bytes bytes;
	struct reason why;
	bool good;

	good = bytes_read(path, &bytes, &why) &&
	       bytes_decompress(&bytes, &why) &&
	       elf_module_open(&module, &bytes, &why);
	if (good) {
		if (!name && module.name)
			name = module.name;
		if (!name)
			good = refuse(&why, "a module without a name");
		else if (!module_is_loaded(name))
			good = refuse(&why, "the module %.60s is not loaded",
				      name);
		else
			good = compare(verify, name, path, &module, &why);
		if (!good)
			bad_module(verify, path, &why);
		elf_module_close(&module);
	} else {
		bad_module(verify, path, &why);
	}
	bytes_free(&bytes);
}

static void verify_module(struct verify *verify, const char *name)
{
	struct module_file file;
	struct reason why;

	if (strchr(name, '/') || is_module_file_name(name)) {
		verify_file(verify, NULL, name);
		return;
	}
	if (!module_is_loaded(name))
		refuse(&why, "no such module is loaded");
	else if (module_file_find(name, &file, &why)) {
		verify_file(verify, name, file.path);
		return;
	}
	bad_module(verify, name, &why);
}

static bool verify_all(struct verify *verify)
{
	FILE *file = fopen("/proc/modules", "r");
	char line[4096];

	if (!file) {
		complain("/proc/modules: %s", strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, " ")] = 0;
		if (*line)
			verify_module(verify, line);
	}
	fclose(file);
	return true;
}

static int verify_with(struct verify *verify, int count, char **modules)
{
	bool good = true;
	int i;

	if (verify->as_json) {
		json_open(&verify->json, NULL, '{');
		json_open(&verify->json, "modules", '[');
	}
	for (i = 0; i < count; i++)
		verify_module(verify, modules[i]);
	if (!count)
		good = verify_all(verify);
	if (verify->as_json) {
		json_close(&verify->json, ']');
		json_bool(&verify->json, "same", good && !verify->any_bad &&
			  !verify->any_different);
		json_close(&verify->json, '}');
		putchar('\n');
	}
	if (!good || verify->any_different)
		return STATUS_FAILED;
	return verify->any_bad ? STATUS_BAD_FILE : STATUS_OK;
}

static int verify_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ }
	};
	struct verify verify = { .json = { .out = stdout } };
	struct reason why;
	int option, status;

	while ((option = command_options(&verify_command, argc, argv, "J",
					 options)) != -1) {
		if (option != 'J')
			return STATUS_USAGE;
		verify.as_json = true;
	}
	if (geteuid()) {
		complain("only root can read the kernel's memory");
		return STATUS_PRIVILEGE;
	}
	if (!kcore_open(&verify.kcore, &why)) {
		complain("%s", why.text);
		return STATUS_FAILED;
	}
	if (symbols_read(&verify.symbols, &why)) {
		read_probes(&verify);
		status = verify_with(&verify, argc - optind, argv + optind);
		symbols_free(&verify.symbols);
	} else {
		complain("%s", why.text);
		status = STATUS_FAILED;
	}
	free(verify.probes);
	kcore_close(&verify.kcore);
	return status;
}

const struct command verify_command = {
	.name = "verify",
	.arguments = "[--json] [MODULE...]",
	.summary = "compare modules' code in memory with their files",
	.help =
	"MODULE is a loaded module's name, or its file where modprobe does not know it;\n"
	"without any, it is all that are loaded. What Linux itself changes is known:\n"
	"relocations, alternatives, retpolines, return thunks, sealed ENDBRs, jump labels,\n"
	"static calls, tracing, lock prefixes, paravirtual calls, kprobes, and guarded\n"
	"returns. Every byte that remains is named.\n"
	"\n"
	"  -J, --json  all of it as one JSON object\n",
	.run = verify_run,
};
