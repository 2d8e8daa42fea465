// SPDX-License-Identifier: GPL-2.0
/*
 * One instruction in ring 0, for scripts
 *
 * usage: ring0 CPU OPERATION [ARGUMENT]...
 *
 * Prints the exception's vector, or "none", and the results.
 */
#include "guest.h"

static const struct {
	const char *name, *arguments, *results;
} operations[] = {
#define X(name, arguments, results) { #name, arguments, results },
	RING0_OPS(X)
#undef X
};

static int usage(void)
{
	int i;

	fprintf(stderr, "usage: ring0 CPU OPERATION [ARGUMENT]...\n");
	for (i = 0; i < RING0_OP_COUNT; i++)
		fprintf(stderr, "  %s %s -> %s\n", operations[i].name,
			operations[i].arguments, operations[i].results);
	return 2;
}

int main(int argc, char **argv)
{
	struct ring0_request q = { .op = RING0_OP_COUNT };
	int i, device;

	if (argc < 3 || argc > 6)
		return usage();
	for (i = 0; i < RING0_OP_COUNT; i++) {
		if (!strcmp(operations[i].name, argv[2]))
			q.op = i;
	}
	if (q.op == RING0_OP_COUNT)
		return usage();
	for (i = 3; i < argc; i++)
		q.arg[i - 3] = strtoull(argv[i], NULL, 0);

	device = ring0_open();
	if (device < 0 || pin_to_cpu(atoi(argv[1]))) {
		fprintf(stderr, "ring0: no device, or no such CPU\n");
		return 1;
	}
	if (ring0(device, &q) == RING0_NO_FAULT)
		printf("none");
	else
		printf("%u", q.vector);
	for (i = 0; i < 4; i++)
		printf(" %#llx", (unsigned long long)q.result[i]);
	printf("\n");
	return 0;
}
