/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AB_STATS_H
#define AB_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "ab_window.h"

/* X(name, title, unit, in one of its units) */
#define AB_METRICS(X)                                                  \
	X(mean_ns, "mean latency", "us", 1e3)                          \
	X(p50_ns, "p50", "us", 1e3)                                    \
	X(p99_ns, "p99", "us", 1e3)                                    \
	X(p99_9_ns, "p99.9", "us", 1e3)                                \
	X(operations_per_s, "operations", "/s", 1)                     \
	X(bytes_per_s, "throughput", "MiB/s", 1048576)                 \
	X(machine_cpu_ns_per_operation, "CPU, machine", "us/op", 1e3)  \
	X(cgroups_cpu_ns_per_operation, "CPU, cgroups", "us/op", 1e3)  \
	X(machine_cpu_ppm_of_one_cpu, "CPU, machine", "% of one", 1e4) \
	X(cgroups_cpu_ppm_of_one_cpu, "CPU, cgroups", "% of one", 1e4)

enum ab_metric {
#define X(name, title, unit, one) AB_METRIC_##name,
	AB_METRICS(X)
#undef X
		AB_NR_METRICS
};

/* Polled divided by interrupts, and the 95 % interval. NAN: cannot be told. */
struct ab_ratio {
	double ratio, low, high;
};

/* Two neighbouring windows, one of each arm, in any order. */
struct ab_pair {
	struct ab_window arm[AB_NR_ARMS];
};

enum ab_verdict { AB_WORTH_IT, AB_NOT_WORTH_IT, AB_CANNOT_TELL };

struct ab_result {
	enum ab_kind
		kind; /* which one there was more of: it is what is told of */
	size_t pairs, used; /* measured; with enough operations */
	struct ab_window sum[AB_NR_ARMS]; /* of all pairs */
	double value[AB_NR_METRICS][AB_NR_ARMS]; /* of those used; NAN: none */
	struct ab_ratio ratio[AB_NR_METRICS];
	enum ab_verdict verdict;
	char why[480], sentence[512];
};

#define AB_MIN_PAIRS 5
#define AB_MIN_OPERATIONS 10 /* in each window of a pair */

/* 0 or -ENOMEM, said. */
int ab_stats(struct ab_result *r, const struct ab_pair *pairs, size_t n);

#endif
