// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"

int machine_check(void)
{
	if (geteuid())
		return log_error(-EPERM, "must be run as root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return log_error(-ENOENT, "this kernel has no BTF (no "
					  "/sys/kernel/btf/vmlinux): it needs "
					  "CONFIG_DEBUG_INFO_BTF=y");
	return 0;
}
