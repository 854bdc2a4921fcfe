// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

void process_comm(__u32 tgid, char comm[16])
{
	char path[32];
	FILE *f;

	strcpy(comm, tgid ? "?" : "(every process)");
	snprintf(path, sizeof(path), "/proc/%u/comm", tgid);
	f = tgid ? fopen(path, "r") : NULL;
	if (!f)
		return;
	if (fgets(comm, 16, f))
		comm[strcspn(comm, "\n")] = 0;
	fclose(f);
	process_comm_clean(comm);
}

void process_comm_clean(char comm[16])
{
	for (int i = 0; i < 16 && comm[i]; i++)
		if ((unsigned char)comm[i] < ' ' || comm[i] == 0x7f)
			comm[i] = '?';
}

int process_by_tgid(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

size_t process_sort(void *all, size_t n, size_t size)
{
	char *last = all, *next = all;

	if (!n)
		return 0;
	qsort(all, n, size, process_by_tgid);
	while (--n) {
		next += size;
		if (!process_by_tgid(last, next))
			continue;
		last += size;
		if (last != next)
			memcpy(last, next, size);
	}
	return (last - (char *)all) / size + 1;
}
