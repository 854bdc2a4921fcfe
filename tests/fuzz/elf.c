// SPDX-License-Identifier: GPL-2.0
/* Symbols of a file that a process has mapped, which anybody may have written. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "usyms.h"

#define START 0x400000

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

static const uint8_t *content;
static size_t length;

FILE *__wrap_fopen(const char *path, const char *mode)
{
	static char maps[] = "400000-500000 r-xp 0 0:0 0 /file\n";

	if (strcmp(path, "/proc/7/maps"))
		return __real_fopen(path, mode); /* libFuzzer's */
	return fmemopen(maps, sizeof(maps) - 1, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
	int fd;

	if (!strncmp(path, "/proc/self/fd/", 14))
		return __real_open(path, flags);
	must(!strcmp(path, "/proc/7/map_files/400000-500000"));
	fd = memfd_create("file", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, content, length) == (ssize_t)length);
	must(!lseek(fd, 0, SEEK_SET));
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usyms u = {};
	const char *name;
	char buf[64];

	content = data;
	length = size;
	usyms_learn(&u, 7, 0);
	for (__u64 at = 0; at < 0x2000; at += 16) {
		name = usyms_name(&u, 7, START + at, buf, sizeof(buf));
		must(!strcmp(name, "[file]") ||
		     strlen(name) == sizeof(buf) - 1 ||
		     !strcmp(name + strlen(name) - 7, " (file)"));
	}
	must(!strcmp(usyms_name(&u, 7, 1, buf, sizeof(buf)), "[unknown]"));
	usyms_free(&u);
	return 0;
}
