// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"

int machine_check(void)
{
	struct stat st;

	if (geteuid())
		return log_error(-EPERM, "must be run as root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return log_error(-ENOENT, "this kernel has no BTF (no "
					  "/sys/kernel/btf/vmlinux): it needs "
					  "CONFIG_DEBUG_INFO_BTF=y");
	/* PROC_PID_INIT_INO of the kernel, which no header has. */
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != 0xeffffffc)
		log_warn("in a PID namespace: who runs already, outside of it, "
			 "is not found, and names of processes may be wrong");
	return 0;
}
