// SPDX-License-Identifier: GPL-2.0
/* What the ab command says: a table and a sentence, or JSON. */
#include <math.h>
#include <stdio.h>

#include "ab_report.h"
#include "json.h"
#include "wrap.h"

static const struct {
	const char *key, *title, *unit;
	double one;
} metrics[] = {
#define X(name, title, unit, one) { #name, title, unit, one },
	AB_METRICS(X)
#undef X
};

static const char *const arms[] = {
#define X(name) #name,
	AB_ARMS(X)
#undef X
};

static const struct {
	const char *key, *text;
} kinds[] = {
#define X(name, text) { #name, text },
	AB_KINDS(X)
#undef X
};

static const char *const verdicts[] = {
	[AB_WORTH_IT] = "worth_it",
	[AB_NOT_WORTH_IT] = "not_worth_it",
	[AB_CANNOT_TELL] = "cannot_tell",
};

static const struct {
	const char *key;
	enum forcepoll_count count;
} counts[] = {
	{ "submitted", FORCEPOLL_COUNT_submitted },
	{ "polled", FORCEPOLL_COUNT_polled },
	{ "observed", FORCEPOLL_COUNT_observed },
	{ "skip_busy", FORCEPOLL_COUNT_skip_busy },
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static void print_value(double value)
{
	if (isfinite(value))
		printf(" %11.*f", value < 1000, value);
	else
		printf(" %11s", "-");
}

static void print_row(const struct ab_result *r, int m)
{
	const struct ab_ratio *x = &r->ratio[m];
	char interval[32];

	printf("%-14s %-8s", metrics[m].title, metrics[m].unit);
	for (int arm = 0; arm < AB_NR_ARMS; arm++)
		print_value(r->value[m][arm] / metrics[m].one);
	if (isfinite(x->ratio)) {
		snprintf(interval, sizeof(interval), "%+.1f .. %+.1f %%",
			 100 * (x->low - 1), 100 * (x->high - 1));
		printf(" %+7.1f %%  %s\n", 100 * (x->ratio - 1), interval);
	} else {
		printf(" %9s  cannot tell\n", "-");
	}
}

static bool known(const struct ab_result *r, int m)
{
	return isfinite(r->value[m][AB_interrupts]) ||
	       isfinite(r->value[m][AB_polled]) || isfinite(r->ratio[m].ratio);
}

static double share(const struct ab_result *r, int arm,
		    enum forcepoll_count count)
{
	const __u64 *n = r->sum[arm].count;

	return n[FORCEPOLL_COUNT_submitted] ?
		       100.0 * n[count] / n[FORCEPOLL_COUNT_submitted] :
		       NAN;
}

static void print_share(const struct ab_result *r, enum forcepoll_count count,
			const char *title)
{
	printf("%-14s %-8s", title, "% of I/O");
	for (int arm = 0; arm < AB_NR_ARMS; arm++)
		print_value(share(r, arm, count));
	putchar('\n');
}

void ab_report_print(const struct ab_result *r, const struct ab_run *run)
{
	printf("%-23s %11s %11s %9s  %s\n", "", arms[AB_interrupts],
	       arms[AB_polled], "change", "95 % interval");
	for (int m = 0; m < AB_NR_METRICS; m++)
		if (known(r, m))
			print_row(r, m);
	print_share(r, FORCEPOLL_COUNT_polled, "polled");
	printf("\nTimed:   ");
	wrap(kinds[r->kind].text, 9, 9);
	printf("Changes: ");
	wrap("of each pair of windows, then averaged; the columns are of all "
	     "windows together, and differ from that where the load varies",
	     9, 9);
	printf("Windows: %zu pairs of %g s in %.1f s, the first %g s of each "
	       "dropped;\n         %zu pairs with enough I/O; %llu events "
	       "lost\n\n",
	       r->pairs, run->window, run->seconds, run->settle, r->used,
	       run->lost);
	wrap(r->sentence, 0, 0);
}

static void json_arm(struct json *j, const struct ab_result *r, int arm)
{
	const struct ab_window *w = &r->sum[arm];

	json_object(j, arms[arm]);
	for (int kind = 0; kind < AB_NR_KINDS; kind++)
		json_u64(j, kinds[kind].key, w->cell[kind].hist.count);
	for (size_t i = 0; i < NR(counts); i++)
		json_u64(j, counts[i].key, w->count[counts[i].count]);
	for (int m = 0; m < AB_NR_METRICS; m++)
		json_double(j, metrics[m].key, r->value[m][arm]);
	json_end(j);
}

/* Shape: see the man page. */
void ab_report_json(const struct ab_result *r, const struct ab_run *run)
{
	struct json j = { .out = stdout };

	json_object(&j, NULL);
	json_string(&j, "verdict", verdicts[r->verdict]);
	json_string(&j, "sentence", r->sentence);
	json_string(&j, "timed", kinds[r->kind].key);
	json_u64(&j, "duration_ns", run->seconds * 1e9);
	json_u64(&j, "window_ns", run->window * 1e9);
	json_u64(&j, "settle_ns", run->settle * 1e9);
	json_u64(&j, "pairs", r->pairs);
	json_u64(&j, "pairs_used", r->used);
	json_u64(&j, "lost", run->lost);
	for (int arm = 0; arm < AB_NR_ARMS; arm++)
		json_arm(&j, r, arm);
	json_object(&j, "polled_by_interrupts");
	for (int m = 0; m < AB_NR_METRICS; m++) {
		json_object(&j, metrics[m].key);
		json_double(&j, "ratio", r->ratio[m].ratio);
		json_double(&j, "ratio_low", r->ratio[m].low);
		json_double(&j, "ratio_high", r->ratio[m].high);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
}
