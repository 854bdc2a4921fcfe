/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TARGET_LIST_H
#define TARGET_LIST_H

#include <linux/types.h>

#include "forcepoll.h"

/* One of map "targets". */
struct target_entry {
	__u32 tgid;
	struct forcepoll_target target;
};

/*
 * All that are in this map, by tgid: @n of them in @all, to be freed. Return: 0, or
 * -errno, and there are none.
 */
int target_list_read(int fd, struct target_entry **all, __u32 *n);

#endif
