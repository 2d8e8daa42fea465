// SPDX-License-Identifier: GPL-2.0
/*
 * Load a module, for scripts: the exit status is the errno
 *
 * usage: load_module FILE [PARAMETERS]
 */
#include "guest.h"

int main(int argc, char **argv)
{
	if (argc < 2)
		return EINVAL;
	return -load_module(argv[1], argc > 2 ? argv[2] : "");
}
