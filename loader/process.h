/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PROCESS_H
#define PROCESS_H

#include <linux/types.h>
#include <stddef.h>

/* What a process is called, clean; "?" when it is gone. */
void process_comm(__u32 tgid, char comm[16]);

/* Any name of one, for a terminal: control characters become "?". */
void process_comm_clean(char comm[16]);

/* For bsearch(), of structs that begin with a tgid. */
int process_by_tgid(const void *a, const void *b);

/*
 * Sort @n of them, read from a map, and have each tgid once: when the key that the
 * reader stood at has gone the kernel begins anew. Return: how many there are.
 */
size_t process_sort(void *all, size_t n, size_t size);

#endif
