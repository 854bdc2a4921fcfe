// SPDX-License-Identifier: GPL-2.0
/* What the latency command says: a table and histograms, or JSON. */
#include <stdio.h>
#include <string.h>

#include "forcepoll.h"

#include "json.h"
#include "latency_report.h"

static const char *const kinds[] = {
#define X(name, text) #name,
	LATENCY_KINDS(X)
#undef X
};

static const char *const origins[] = {
#define X(name, text) #name,
	FORCEPOLL_ORIGINS(X)
#undef X
};

static const struct {
	__u32 bytes;
	const char *text;
} sizes[] = {
#define X(bytes, text) { bytes, text },
	LATENCY_SIZES(X)
#undef X
};

/* In parts of a hundred thousand. */
static const struct {
	const char *key;
	__u32 parts;
} percentiles[] = {
	{ "p50_ns", 50000 },
	{ "p99_ns", 99000 },
	{ "p99_9_ns", 99900 },
	{ "p99_99_ns", 99990 },
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The upper end of the slot that the sample of this rank is in, or the maximum
 * where that is less: never too low.
 */
static __u64 percentile(const struct latency_hist *h, __u32 parts)
{
	__u64 rank = (h->count * parts + 99999) / 100000, seen = 0;

	for (__u32 i = 0; i < LATENCY_SLOTS - 1; i++) {
		seen += h->slot[i];
		if (seen >= rank)
			return latency_slot_from(i + 1) < h->max_ns ?
				       latency_slot_from(i + 1) :
				       h->max_ns;
	}
	return h->max_ns;
}

static const struct latency_hist *cell(const struct latency_report *r, int kind,
				       int origin, int size)
{
	return &r->cell[LATENCY_CELL(kind, origin, size)];
}

static void print_us(double ns)
{
	printf(" %7.*f", ns < 99999950 ? 1 : 0, ns / 1e3);
}

static void print_row(const struct latency_hist *h, int kind, int origin,
		      int size)
{
	printf("%-8s %-6s %-5s %9llu", kinds[kind], origins[origin],
	       sizes[size].text, h->count);
	print_us((double)h->sum_ns / h->count);
	for (size_t i = 0; i < NR(percentiles); i++)
		print_us(percentile(h, percentiles[i].parts));
	print_us(h->max_ns);
	putchar('\n');
}

/* Polled and unpolled of the same origin and size beside each other. */
static void print_table(const struct latency_report *r)
{
	printf("%-8s %-6s %-5s %9s %7s %7s %7s %7s %7s %7s\n", "KIND", "ORIGIN",
	       "SIZE", "COUNT", "MEAN us", "P50 us", "P99 us", "P99.9",
	       "P99.99", "MAX us");
	for (size_t origin = 0; origin < NR(origins); origin++)
		for (size_t size = 0; size < NR(sizes); size++)
			for (size_t kind = 0; kind < NR(kinds); kind++)
				if (cell(r, kind, origin, size)->count)
					print_row(cell(r, kind, origin, size),
						  kind, origin, size);
}

/*
 * The histograms show a line for each power of two of microseconds, which is
 * LATENCY_SUB slots. The first one is up to 1 us.
 */
#define LINES (int)(LATENCY_SLOTS / LATENCY_SUB)

struct lines {
	int kind;
	__u64 count[LINES], most;
};

static void sum_lines(struct lines *l, const struct latency_hist *h, int kind)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	for (__u32 i = 0; i < LATENCY_SLOTS; i++)
		l->count[i / LATENCY_SUB] += h->slot[i];
	for (int i = 0; i < LINES; i++)
		if (l->most < l->count[i])
			l->most = l->count[i];
}

#define WIDTH 79
#define LABEL 19 /* "    1024 - 2048    " */
#define COUNT 12 /* a count, and a space on both sides */

/* Counts and bars of one line, side by side. Any I/O at all is a star. */
static void print_line(const struct lines *l, int nr, int line, int width)
{
	int gap = 0;

	printf("%8llu - %-8llu", line ? 1ull << (line - 1) : 0, 1ull << line);
	for (int k = 0; k < nr; k++) {
		__u64 n = l[k].count[line];
		int stars = n ? 1 + n * (width - 1) / l[k].most : 0;

		printf("%*s%*llu", gap, "", COUNT - 1, n);
		for (int i = 0; i < stars; i++)
			printf(i ? "*" : " *");
		gap = width - stars + !stars;
	}
	putchar('\n');
}

static void print_histogram(const struct lines *l, int nr, const char *origin,
			    const char *size)
{
	const int width = (WIDTH - LABEL) / nr - COUNT;
	int first = LINES, last = 0;
	char title[32];

	for (int i = 0; i < LINES; i++) {
		for (int k = 0; k < nr; k++) {
			if (!l[k].count[i])
				continue;
			first = first < i ? first : i;
			last = i;
		}
	}
	snprintf(title, sizeof(title), "%s %s, us", origin, size);
	printf("\n%-*s", LABEL, title);
	for (int k = 0; k < nr; k++)
		printf("%*s%*s", k ? width + 1 : 0, "", COUNT - 1,
		       kinds[l[k].kind]);
	putchar('\n');
	for (int i = first; i <= last; i++)
		print_line(l, nr, i, width);
}

static void print_histograms(const struct latency_report *r, int origin,
			     int size)
{
	struct lines lines[NR(kinds)];
	int nr = 0;

	for (size_t kind = 0; kind < NR(kinds); kind++)
		if (cell(r, kind, origin, size)->count)
			sum_lines(&lines[nr++], cell(r, kind, origin, size),
				  kind);
	if (nr)
		print_histogram(lines, nr, origins[origin], sizes[size].text);
}

void latency_report_print(const struct latency_report *r)
{
	print_table(r);
	for (size_t origin = 0; origin < NR(origins); origin++)
		for (size_t size = 0; size < NR(sizes); size++)
			print_histograms(r, origin, size);
	printf("\n%.1f seconds; lost: %llu bios (map full), %llu events (left "
	       "out by the kernel)\n",
	       r->seconds, r->lost_full, r->lost_missed);
}

static void json_row(struct json *j, const struct latency_hist *h, int kind,
		     int origin, int size)
{
	json_object(j, NULL);
	json_string(j, "kind", kinds[kind]);
	json_string(j, "origin", origins[origin]);
	json_u64(j, "more_than_bytes", size ? sizes[size - 1].bytes : 0);
	if (size + 1 < (int)NR(sizes))
		json_u64(j, "at_most_bytes", sizes[size].bytes);
	else
		json_null(j, "at_most_bytes");
	json_u64(j, "count", h->count);
	json_u64(j, "mean_ns", h->sum_ns / h->count);
	for (size_t i = 0; i < NR(percentiles); i++)
		json_u64(j, percentiles[i].key,
			 percentile(h, percentiles[i].parts));
	json_u64(j, "max_ns", h->max_ns);
	json_array(j, "slots");
	for (__u32 i = 0; i < LATENCY_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		json_object(j, NULL);
		json_u64(j, "from_ns", latency_slot_from(i));
		json_u64(j, "to_ns", latency_slot_from(i + 1));
		json_u64(j, "count", h->slot[i]);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

/* Shape: see the man page. */
void latency_report_json(const struct latency_report *r)
{
	struct json j = { .out = stdout };

	json_object(&j, NULL);
	json_u64(&j, "duration_ns", r->seconds * 1e9);
	json_bool(&j, "module_loaded", r->polled);
	json_u64(&j, "lost_full", r->lost_full);
	json_u64(&j, "lost_missed", r->lost_missed);
	json_array(&j, "rows");
	for (size_t kind = 0; kind < NR(kinds); kind++)
		for (size_t origin = 0; origin < NR(origins); origin++)
			for (size_t size = 0; size < NR(sizes); size++)
				if (cell(r, kind, origin, size)->count)
					json_row(&j,
						 cell(r, kind, origin, size),
						 kind, origin, size);
	json_end(&j);
	json_end(&j);
}
