// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cpu_time.h"
#include "options.h"

/* Unknown when CPUs have come or gone since the last time: so is what they did then. */
double cpu_time_machine(void)
{
	static long cpus_before;
	unsigned long long idle, iowait, steal;
	double busy = NAN, now = clock_now();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	bool same = !cpus_before || cpus == cpus_before;
	FILE *f = fopen("/proc/stat", "re");

	cpus_before = cpus;
	if (!f)
		return NAN;
	if (fscanf(f, "cpu %*u %*u %*u %llu %llu %*u %*u %llu", &idle, &iowait,
		   &steal) == 3)
		busy = now * cpus -
		       (double)(idle + iowait + steal) / sysconf(_SC_CLK_TCK);
	fclose(f);
	return same ? busy : NAN;
}

static double cgroup(const char *path)
{
	unsigned long long usec;
	char name[PATH_MAX];
	double sec = NAN;
	FILE *f;

	snprintf(name, sizeof(name), "%s/cpu.stat", path);
	f = fopen(name, "re");
	if (!f)
		return NAN;
	if (fscanf(f, "usage_usec %llu", &usec) == 1)
		sec = usec / 1e6;
	fclose(f);
	return sec;
}

/* Without slashes at its end. */
static size_t length_of(const char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] == '/')
		length--;
	return length;
}

/* In another that was chosen, or the same again: its time is in that one's. */
static bool is_within(const struct words *paths, size_t i)
{
	const size_t mine = length_of(paths->word[i]);

	for (size_t j = 0; j < paths->n; j++) {
		size_t length = length_of(paths->word[j]);

		if (length > mine ||
		    strncmp(paths->word[i], paths->word[j], length))
			continue;
		if (length == mine ? j < i : paths->word[i][length] == '/')
			return true;
	}
	return false;
}

double cpu_time_cgroups(const struct words *paths)
{
	double sec = paths->n ? 0 : NAN;

	for (size_t i = 0; i < paths->n; i++)
		if (!is_within(paths, i))
			sec += cgroup(paths->word[i]);
	return sec;
}
