/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is to do something in the kernel, for programs
 */
#ifndef CONTEXT_USER_H
#define CONTEXT_USER_H

#include <stddef.h>

#include "modules/contexts.h"

/**
 * context_named() - by its name
 * @name: of contexts.h
 *
 * Return: the context, or CONTEXT_COUNT where there is none of that name.
 */
enum context context_named(const char *name);

/**
 * ioctl_by_init() - have process 1 make an ioctl
 * @device: the file's name, below 32 characters
 * @request: the ioctl
 * @argument: what it is given the address of, and what was there afterwards
 * @size: its size, a multiple of 8 of no more than 512 bytes
 *
 * Return: what it returned to process 1, or -1 with errno where it did not come to it.
 */
long ioctl_by_init(const char *device, unsigned long request, void *argument,
		   size_t size);

#endif /* CONTEXT_USER_H */
