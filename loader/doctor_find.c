// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "doctor_checks.h"

int find_words(const char *path, const char *const *words, int n, char *line,
	       size_t size)
{
	char buf[4096];
	int i, found = 0;
	gzFile f;

	f = gzopen(path, "re");
	if (!f)
		return -(errno ?: ENOMEM);
	while (found != (1 << n) - 1 && gzgets(f, buf, sizeof(buf))) {
		for (i = 0; i < n; i++) {
			size_t len = strlen(words[i]);

			if (strncmp(buf, words[i], len) ||
			    !memchr(" \t\n=:", buf[len], 6))
				continue;
			found |= 1 << i;
			if (line)
				snprintf(line, size, "%.*s", (int)size - 1,
					 buf);
		}
	}
	gzclose(f);
	return found;
}

bool find_word(const char *path, const char *word, char *line, size_t size)
{
	return find_words(path, &word, 1, line, size) > 0;
}

int find_paths(char *path, size_t size, const char *pattern, ...)
{
	char all[PATH_MAX];
	va_list args;
	glob_t found;
	int n = 0;

	va_start(args, pattern);
	vsnprintf(all, sizeof(all), pattern, args);
	va_end(args);
	if (!glob(all, GLOB_NOSORT, NULL, &found)) {
		n = found.gl_pathc;
		if (path)
			snprintf(path, size, "%s", found.gl_pathv[0]);
	}
	globfree(&found);
	return n;
}

bool find_mount(const char *type, char *dir, size_t size)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m = NULL;

	if (!f)
		return false;
	while ((m = getmntent(f)))
		if (!strcmp(m->mnt_type, type))
			break;
	if (m)
		snprintf(dir, size, "%s", m->mnt_dir);
	endmntent(f);
	return m;
}
