/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <linux/types.h>
#include <stddef.h>

/* What a system call is called, into @buf; returns it. */
const char *syscall_name(__u32 nr, char *buf, size_t size);
const char *syscall_name_32(__u32 nr, char *buf, size_t size);

#endif
