// SPDX-License-Identifier: GPL-2.0
/*
 * From windows to ratios and their intervals.
 *
 * Windows are compared with their neighbours only: what changes slowly, the load of
 * the machine or of the drive, is the same in both of a pair and cancels out. Of
 * each pair the logarithm of the ratio is taken, so that half and twice are as far
 * from 1; the interval is Student's for the mean over the pairs. That holds with few
 * pairs and whatever one window's values look like.
 *
 * Not so for percentiles: a window has too few operations for its p99.9, which would
 * be its maximum, and that is the larger the more operations there are. So they are
 * those of all windows of an arm together, and the interval is by bootstrap over the
 * pairs: as they would come out had other pairs been drawn. Operations are not drawn
 * one by one, as neighbours in time are alike. The bootstrap is too sure of itself
 * with few pairs, and so wants more of them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ab_stats.h"
#include "ab_verdict.h"
#include "log.h"

#define NR_PERCENTILES 3
static const struct {
	enum ab_metric metric;
	double share;
} percentiles[NR_PERCENTILES] = {
	{ AB_METRIC_p50_ns, 0.5 },
	{ AB_METRIC_p99_ns, 0.99 },
	{ AB_METRIC_p99_9_ns, 0.999 },
};

#define BOOTSTRAP_PAIRS 20
#define BOOTSTRAPS 1000
#define BEYOND 10 /* operations beyond a percentile, for it to be one */

/* Within a slot operations are taken to be spread evenly. */
static double percentile(const struct latency_hist *h, double share)
{
	double rank = h->count * share, seen = 0;

	if (h->count * (1 - share) < BEYOND)
		return NAN;
	for (__u32 i = 0; i < LATENCY_SLOTS; i++) {
		double from = latency_slot_from(i);

		if (seen + h->slot[i] >= rank)
			return from + (latency_slot_from(i + 1) - from) *
					      (rank - seen) / h->slot[i];
		seen += h->slot[i];
	}
	return NAN;
}

static double value(enum ab_metric metric, const struct ab_window *w,
		    enum ab_kind kind)
{
	const struct ab_cell *c = &w->cell[kind];

	switch (metric) {
	case AB_METRIC_mean_ns:
		return (double)c->hist.sum_ns / c->hist.count;
	case AB_METRIC_operations_per_s:
		return c->hist.count / w->seconds;
	case AB_METRIC_bytes_per_s:
		return c->bytes / w->seconds;
	case AB_METRIC_machine_cpu_ns_per_operation:
		return w->machine_s * 1e9 / c->hist.count;
	case AB_METRIC_cgroups_cpu_ns_per_operation:
		return w->cgroups_s * 1e9 / c->hist.count;
	case AB_METRIC_machine_cpu_ppm_of_one_cpu:
		return w->machine_s * 1e6 / w->seconds;
	case AB_METRIC_cgroups_cpu_ppm_of_one_cpu:
		return w->cgroups_s * 1e6 / w->seconds;
	default:
		for (size_t i = 0; i < NR_PERCENTILES; i++)
			if (percentiles[i].metric == metric)
				return percentile(&c->hist,
						  percentiles[i].share);
		return NAN;
	}
}

/* By Cornish and Fisher's expansion: 0.3 % off with 5 pairs, less with more. */
static double student_975(double df)
{
	const double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z,
		     z7 = z5 * z * z;

	return z + (z3 + z) / (4 * df) +
	       (5 * z5 + 16 * z3 + 3 * z) / (96 * df * df) +
	       (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * df * df * df);
}

/* A window in which a value was 0, or not known, has no logarithm: it is left out. */
static struct ab_ratio over_pairs(enum ab_metric metric, enum ab_kind kind,
				  const struct ab_pair *const *pairs, size_t n)
{
	double sum = 0, squares = 0, mean, half;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		double d =
			log(value(metric, &pairs[i]->arm[AB_polled], kind) /
			    value(metric, &pairs[i]->arm[AB_interrupts], kind));

		if (!isfinite(d))
			continue;
		sum += d;
		squares += d * d;
		used++;
	}
	if (used < AB_MIN_PAIRS)
		return (struct ab_ratio){ NAN, NAN, NAN };
	mean = sum / used;
	half = student_975(used - 1) *
	       sqrt(fmax(squares - sum * mean, 0) / (used - 1) / used);
	return (struct ab_ratio){ exp(mean), exp(mean - half),
				  exp(mean + half) };
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One drawing, with replacement. */
static void draw(double ratio[NR_PERCENTILES], enum ab_kind kind,
		 const struct ab_pair *const *pairs, size_t n)
{
	struct latency_hist sum[AB_NR_ARMS] = {};

	for (size_t i = 0; i < n; i++) {
		const struct ab_pair *p = pairs[random() % n];

		for (int arm = 0; arm < AB_NR_ARMS; arm++) {
			const struct latency_hist *h =
				&p->arm[arm].cell[kind].hist;

			sum[arm].count += h->count;
			for (size_t s = 0; s < LATENCY_SLOTS; s++)
				sum[arm].slot[s] += h->slot[s];
		}
	}
	for (size_t i = 0; i < NR_PERCENTILES; i++)
		ratio[i] =
			percentile(&sum[AB_polled], percentiles[i].share) /
			percentile(&sum[AB_interrupts], percentiles[i].share);
}

/* Those that some drawings do not have stay unknown. */
static int bootstrap(struct ab_result *r, const struct ab_pair *const *pairs)
{
	double(*drawn)[BOOTSTRAPS] = calloc(NR_PERCENTILES, sizeof(*drawn));
	double ratio[NR_PERCENTILES];

	if (!drawn)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	for (size_t b = 0; b < BOOTSTRAPS; b++) {
		draw(ratio, r->kind, pairs, r->used);
		for (size_t i = 0; i < NR_PERCENTILES; i++)
			drawn[i][b] = ratio[i];
	}
	for (size_t i = 0; i < NR_PERCENTILES; i++) {
		enum ab_metric m = percentiles[i].metric;
		bool all = true;

		for (size_t b = 0; b < BOOTSTRAPS; b++)
			all = all && isfinite(drawn[i][b]);
		if (!all)
			continue;
		qsort(drawn[i], BOOTSTRAPS, sizeof(drawn[i][0]), by_value);
		r->ratio[m] = (struct ab_ratio){
			r->value[m][AB_polled] / r->value[m][AB_interrupts],
			drawn[i][BOOTSTRAPS * 25 / 1000],
			drawn[i][BOOTSTRAPS * 975 / 1000 - 1],
		};
	}
	free(drawn);
	return 0;
}

static bool enough(const struct ab_pair *p, enum ab_kind kind)
{
	return p->arm[AB_interrupts].cell[kind].hist.count >=
		       AB_MIN_OPERATIONS &&
	       p->arm[AB_polled].cell[kind].hist.count >= AB_MIN_OPERATIONS;
}

static __u64 operations(const struct ab_result *r, enum ab_kind kind)
{
	return r->sum[AB_interrupts].cell[kind].hist.count +
	       r->sum[AB_polled].cell[kind].hist.count;
}

static int compare(struct ab_result *r, const struct ab_pair **used)
{
	struct ab_window sum[AB_NR_ARMS] = {};

	for (size_t i = 0; i < r->used; i++)
		for (int arm = 0; arm < AB_NR_ARMS; arm++)
			ab_window_add(&sum[arm], &used[i]->arm[arm]);
	for (int m = 0; m < AB_NR_METRICS; m++) {
		for (int arm = 0; arm < AB_NR_ARMS; arm++)
			r->value[m][arm] = value(m, &sum[arm], r->kind);
		r->ratio[m] = over_pairs(m, r->kind, used, r->used);
	}
	for (size_t i = 0; i < NR_PERCENTILES; i++)
		r->ratio[percentiles[i].metric] =
			(struct ab_ratio){ NAN, NAN, NAN };
	return r->used < BOOTSTRAP_PAIRS ? 0 : bootstrap(r, used);
}

int ab_stats(struct ab_result *r, const struct ab_pair *pairs, size_t n)
{
	const struct ab_pair **used = calloc(n + 1, sizeof(*used));
	int err;

	*r = (struct ab_result){ .pairs = n };
	if (!used)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < n; i++)
		for (int arm = 0; arm < AB_NR_ARMS; arm++)
			ab_window_add(&r->sum[arm], &pairs[i].arm[arm]);
	r->kind = operations(r, AB_KIND_bios) > operations(r, AB_KIND_calls) ?
			  AB_KIND_bios :
			  AB_KIND_calls;
	for (size_t i = 0; i < n; i++)
		if (enough(&pairs[i], r->kind))
			used[r->used++] = &pairs[i];
	err = compare(r, used);
	free(used);
	if (!err)
		ab_verdict(r);
	return err;
}
