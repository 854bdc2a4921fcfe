/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AB_REPORT_H
#define AB_REPORT_H

#include "ab_stats.h"

/* How it was measured. */
struct ab_run {
	double seconds; /* all of it */
	double window, settle; /* of each window, and what was dropped of it */
	__u64 lost;
};

void ab_report_print(const struct ab_result *r, const struct ab_run *run);
void ab_report_json(const struct ab_result *r, const struct ab_run *run);

#endif
