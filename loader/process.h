/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PROCESS_H
#define PROCESS_H

#include <linux/types.h>

/* What a process is called, clean; "?" when it is gone. */
void process_comm(__u32 tgid, char comm[16]);

/* Any name of one, for a terminal: control characters become "?". */
void process_comm_clean(char comm[16]);

/* For qsort() and bsearch(), of structs that begin with a tgid. */
int process_by_tgid(const void *a, const void *b);

#endif
