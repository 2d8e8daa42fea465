// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: why something was refused, for one line
 */
#include <stdarg.h>
#include <stdio.h>

#include "reason.h"

/**
 * refuse() - set the reason
 * @why: the reason
 * @format: as printf() has it, without a newline
 *
 * Return: false, for the caller to return.
 */
bool refuse(struct reason *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	return false;
}
