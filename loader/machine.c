// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"

#define PROC_PID_INIT_INO 0xeffffffc /* the kernel's, which no header has */

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

bool machine_is_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) &&
	       st.st_ino != PROC_PID_INIT_INO;
}
