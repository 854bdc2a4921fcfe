// SPDX-License-Identifier: GPL-2.0
/* What a process has mapped: /proc/PID/maps. The files themselves: elf.c. */
#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "usyms.h"

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_stat(const char *path, struct stat *st);
int __real_stat(const char *path, struct stat *st);

static const uint8_t *content;
static size_t length;

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (strcmp(path, "/proc/7/maps"))
		return __real_fopen(path, mode); /* libFuzzer's */
	return fmemopen((void *)content, length, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
	if (!strncmp(path, "/proc/self/fd/", 14))
		return __real_open(path, flags);
	must(!strncmp(path, "/proc/7/map_files/", 18));
	return memfd_create("empty", MFD_CLOEXEC); /* no program */
}

/* Of what program it is. */
int __wrap_stat(const char *path, struct stat *st)
{
	if (strcmp(path, "/proc/7/exe"))
		return __real_stat(path, st); /* libFuzzer's */
	*st = (struct stat){ .st_ino = 1 };
	return 0;
}

/* A name, or one of those for what has none. */
static void check(const struct usyms *u, __u64 address)
{
	char buf[64];
	const char *name = usyms_name(u, 7, address, buf, sizeof(buf));

	must(name == buf && name[0] == '[');
	must(strlen(name) == sizeof(buf) - 1 || name[strlen(name) - 1] == ']');
	for (const char *c = name; *c; c++)
		must(!iscntrl((unsigned char)*c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *lines = fuzz_string(data, size), *rest = lines, *line;
	struct usyms u = {};

	content = data;
	length = size;
	usyms_learn(&u, 7, 0);
	usyms_learn(&u, 7, 0.5); /* it knows this one */
	usyms_learn(&u, 7, 1); /* and finds nothing new */
	must(u.nr_processes == 1);
	while ((line = strsep(&rest, "\n-")))
		check(&u, strtoull(line, NULL, 16));
	usyms_free(&u);
	free(lines);
	return 0;
}
