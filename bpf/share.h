/* SPDX-License-Identifier: GPL-2.0 */
/* What each process polled, from bpf/shares.bpf.c to loader/shares.c. */
#ifndef SHARE_H
#define SHARE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

struct share {
	__u64 polled; /* bios */
	__u64 spin_ns;
	__u64 useful_ns; /* as in struct forcepoll_stats */
};

#endif /* SHARE_H */
