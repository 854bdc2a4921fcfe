/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PROCESS_H
#define PROCESS_H

#include <linux/types.h>
#include <stddef.h>

/*
 * What a process is called, printable. "?" when it is gone, and for all that run in a
 * PID namespace: @tgid is of the initial one, and /proc another's.
 */
void process_comm(__u32 tgid, char comm[16]);

/* For bsearch(), of structs that begin with a tgid. */
int process_by_tgid(const void *a, const void *b);

/*
 * Sort @n of them, read from a map, and have each tgid once: when the key that the
 * reader stood at has gone the kernel begins anew. Return: how many there are.
 */
size_t process_sort(void *all, size_t n, size_t size);

#endif
