// SPDX-License-Identifier: GPL-2.0
/* Names of system calls, from the C library's kernel headers at build time. */
#include <stdio.h>
#include <sys/syscall.h>

#include "causes.h"
#include "syscalls.h"

static const char *const native[] = {
#include "syscalls_native.h"
};

#ifdef __x86_64__
static const char *const compat[] = {
#include "syscalls_32.h"
};
#else
static const char *const compat[] = { "" };
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static const char *name_in(const char *const *names, size_t n, __u32 nr,
			   const char *abi, char *buf, size_t size)
{
	if (nr < n && names[nr])
		snprintf(buf, size, "%s%s", names[nr], abi);
	else
		snprintf(buf, size, "number %u%s", nr, abi);
	return buf;
}

const char *syscall_name(__u32 nr, char *buf, size_t size)
{
	if (nr == FORCEPOLL_SYSCALL_NONE)
		nr = SYS_rt_sigreturn;
	return name_in(native, ARRAY_SIZE(native), nr, "", buf, size);
}

const char *syscall_name_32(__u32 nr, char *buf, size_t size)
{
	return name_in(compat, ARRAY_SIZE(compat), nr, " (32-bit)", buf, size);
}
