/* SPDX-License-Identifier: GPL-2.0 */
/* What the checks of doctor know of the machine, and what they say of it. */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include <stdbool.h>

/* NO: a device that is not polled, which is no fault of the machine. */
enum status { OK, NO, WARN, FAIL };

struct report {
	struct check *checks;
	int nr_checks;
	int err; /* out of memory: all that can go wrong with it */

	struct device *devices;
	int nr_devices;
	int nr_pollable;
	unsigned int online, possible; /* CPUs */
	bool root;
	bool boot_said; /* fix_boot() for NVMe */
	const char *release; /* of the running kernel */
};

void check(struct report *r, const char *name, enum status status,
	   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One more line to the fix of the last check; a tab first: to be copied. */
void fix(struct report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Has any check failed, of those from number @from on? */
bool report_failed(const struct report *r, int from);

/* On stdout, once. */
void report_text(const struct report *r);
void report_json(const struct report *r);

void report_free(struct report *r);

#endif
