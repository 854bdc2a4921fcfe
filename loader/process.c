// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "printable.h"
#include "process.h"

void process_comm(__u32 tgid, char comm[16])
{
	char path[32];
	FILE *f;

	strcpy(comm, tgid ? "?" : "(every process)");
	/* Elsewhere the number is another process's, or nobody's. */
	if (!tgid || machine_is_pid_namespace())
		return;
	snprintf(path, sizeof(path), "/proc/%u/comm", tgid);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fgets(comm, 16, f))
		comm[strcspn(comm, "\n")] = 0;
	fclose(f);
	printable(comm, 16);
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
