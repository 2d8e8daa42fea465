/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What attacks do in user space
 */
#ifndef ATTACK_USER_H
#define ATTACK_USER_H

#include <stdbool.h>

#include "modules/attack.h"

/**
 * attack_prepare() - set the request's argument
 * @fd: /dev/attack
 * @q: the request, by its attack
 *
 * Return: 0 or -1 with errno.
 */
int attack_prepare(int fd, struct attack_request *q);

/**
 * attack_goes_on() - whether there is something to do after the kernel's part
 * @attack: enum attack
 */
bool attack_goes_on(unsigned int attack);

/**
 * attack_go_on() - do it
 * @fd: /dev/attack
 * @q: as the kernel's part left it
 *
 * Return: whether the attack as a whole had its effect.
 */
bool attack_go_on(int fd, const struct attack_request *q);

#endif /* ATTACK_USER_H */
