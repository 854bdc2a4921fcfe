// SPDX-License-Identifier: GPL-2.0
/*
 * Is it worth it? In one sentence, which is as sure as the intervals are: a gain
 * counts when the whole interval is on one side of no change, and when it is more
 * than a trifle.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ab_stats.h"
#include "ab_verdict.h"

#define TRIFLE 0.02

static const struct {
	const char *name, *text;
} counts[] = {
#define X(name, text) { #name, text },
	FORCEPOLL_COUNTS(X)
#undef X
};

__attribute__((format(printf, 2, 3))) static void say(struct ab_result *r,
						      const char *format, ...)
{
	size_t used = strlen(r->why);
	va_list args;

	va_start(args, format);
	vsnprintf(r->why + used, sizeof(r->why) - used, format, args);
	va_end(args);
}

static bool lower(struct ab_ratio x)
{
	return x.high < 1;
}

static bool higher(struct ab_ratio x)
{
	return x.low > 1;
}

static int digits(struct ab_ratio x)
{
	return fabs(x.ratio - 1) < 0.1;
}

/* "48 % (45..51 %) lower" */
static void say_change(struct ab_result *r, struct ab_ratio x, const char *more,
		       const char *less)
{
	int d = digits(x);

	if (x.ratio < 1)
		say(r, "%.*f %% (%.*f..%.*f %%) %s", d, 100 * (1 - x.ratio), d,
		    100 * (1 - x.high), d, 100 * (1 - x.low), less);
	else
		say(r, "%.*f %% (%.*f..%.*f %%) %s", d, 100 * (x.ratio - 1), d,
		    100 * (x.low - 1), d, 100 * (x.high - 1), more);
}

static void say_interval(struct ab_result *r, struct ab_ratio x)
{
	int d = digits(x);

	say(r, "(%+.*f..%+.*f %%)", d, 100 * (x.low - 1), d,
	    100 * (x.high - 1));
}

/* The whole machine's: interrupts are charged to no cgroup. */
static void say_price(struct ab_result *r)
{
	struct ab_ratio x = r->ratio[AB_METRIC_machine_cpu_ns_per_operation];

	if (higher(x) || lower(x)) {
		say(r, ", ");
		say_change(r, x, "more", "less");
		say(r, " CPU time per operation");
	} else if (isfinite(x.ratio)) {
		say(r, ", no measurable change ");
		say_interval(r, x);
		say(r, " in CPU time per operation");
	}
}

/* A better mean may hide a worse tail. */
static void say_tail(struct ab_result *r)
{
	struct ab_ratio x = r->ratio[AB_METRIC_p99_ns];

	if (higher(x)) {
		say(r, "; but ");
		say_change(r, x, "higher", "lower");
		say(r, " p99 latency");
	}
}

/* What most of them, that were to be polled, were left alone for. */
static void say_why_not(struct ab_result *r)
{
	const __u64 *n = r->sum[AB_polled].count;
	int most = FORCEPOLL_COUNT_unpolled;

	for (int i = 0; i < FORCEPOLL_NR_COUNTS; i++)
		if (!strncmp(counts[i].name, "skip_", 5) && n[i] > n[most])
			most = i;
	say(r, "nothing could be polled; most: %s (%s)", counts[most].text,
	    counts[most].name);
}

static enum ab_verdict judge_few(struct ab_result *r)
{
	__u64 n = r->sum[AB_interrupts].cell[r->kind].hist.count +
		  r->sum[AB_polled].cell[r->kind].hist.count;

	say(r,
	    "too little I/O: %llu operations, and %zu of %zu pairs of windows "
	    "with at least %d in both, of which it takes %d",
	    n, r->used, r->pairs, AB_MIN_OPERATIONS, AB_MIN_PAIRS);
	return AB_CANNOT_TELL;
}

static enum ab_verdict judge_by(struct ab_result *r, enum ab_verdict verdict,
				struct ab_ratio x, const char *what)
{
	say_change(r, x, "higher", "lower");
	say(r, " %s", what);
	say_price(r);
	if (verdict == AB_WORTH_IT)
		say_tail(r);
	return verdict;
}

static enum ab_verdict judge(struct ab_result *r)
{
	struct ab_ratio mean = r->ratio[AB_METRIC_mean_ns],
			rate = r->ratio[AB_METRIC_operations_per_s];

	if (r->used < AB_MIN_PAIRS)
		return judge_few(r);
	if (!r->sum[AB_polled].count[FORCEPOLL_COUNT_polled]) {
		say_why_not(r);
		return AB_NOT_WORTH_IT;
	}
	if (higher(mean))
		return judge_by(r, AB_NOT_WORTH_IT, mean, "mean latency");
	if (lower(rate) && rate.ratio < 1 - TRIFLE)
		return judge_by(r, AB_NOT_WORTH_IT, rate, "throughput");
	if (lower(mean) && mean.ratio < 1 - TRIFLE)
		return judge_by(r, AB_WORTH_IT, mean, "mean latency");
	if (higher(rate) && rate.ratio > 1 + TRIFLE)
		return judge_by(r, AB_WORTH_IT, rate, "throughput");
	if (mean.low > 1 - TRIFLE || lower(mean)) {
		say(r, "no gain to speak of ");
		say_interval(r, mean);
		say(r, " in mean latency");
		say_price(r);
		return AB_NOT_WORTH_IT;
	}
	say(r, "the interval ");
	say_interval(r, mean);
	say(r, " of the mean latency includes no change; run longer");
	return AB_CANNOT_TELL;
}

void ab_verdict(struct ab_result *r)
{
	static const char *const begin[] = {
		[AB_WORTH_IT] = "Worth it",
		[AB_NOT_WORTH_IT] = "Not worth it",
		[AB_CANNOT_TELL] = "Cannot tell",
	};

	r->verdict = judge(r);
	snprintf(r->sentence, sizeof(r->sentence), "%s: %s.", begin[r->verdict],
		 r->why);
}
