// SPDX-License-Identifier: GPL-2.0
/* Mode switches by cause, for a person or for a program. */
#include <stdio.h>
#include <string.h>

#include "forcepoll.h"

#include "json.h"
#include "switches_report.h"
#include "switches.h"

static const char *const beside_names[] = {
#define X(name, text) #name,
	FORCEPOLL_BESIDES(X)
#undef X
};

#define BESIDE(sum, name) ((sum)->beside[FORCEPOLL_BESIDE_##name])

/* Returns that were seen, but no cause of them. */
static __u64 others(const struct switches *s, const struct switches_sum *sum)
{
	__u64 total = switches_total(sum);

	return s->exits && BESIDE(sum, exits) > total ?
		       BESIDE(sum, exits) - total :
		       0;
}

/* "title: a, b, c", in lines of 80 columns. */
static void print_list(const char *title, const char *list)
{
	size_t column = printf("%s", title);
	const char *end;

	for (; *list; list = end) {
		end = list + strcspn(list, ",");
		end += *end == ',';
		while (*list == ' ')
			list++;
		if (column + 1 + (end - list) > 79)
			column = printf("\n ") - 1;
		column += printf(" %.*s", (int)(end - list), list);
	}
	putchar('\n');
}

void switches_sources(const struct switches *s)
{
	print_list("seen by:", s->seen);
	if (s->missing[0])
		print_list("not seen:", s->missing);
}

static void row(const char *kind, const char *name, __u64 n, __u64 total,
		__u64 ios, double seconds)
{
	printf("%-15s %-26.26s %11llu %10.0f %5.1f%%", kind, name, n,
	       seconds > 0 ? n / seconds : 0, total ? 100.0 * n / total : 0);
	if (ios)
		printf(" %7.3f\n", (double)n / ios);
	else
		printf(" %7s\n", "-");
}

void switches_table(const struct switches *s, const struct switches_sum *sum,
		    double seconds)
{
	__u64 other = others(s, sum), ios = BESIDE(sum, ios);
	__u64 total = switches_total(sum) + other;
	char name[128];

	printf("%-15s %-26s %11s %10s %6s %7s\n", "BACK TO USER", "FROM",
	       "COUNT", "PER SEC", "SHARE", "PER I/O");
	for (size_t i = 0; i < sum->n; i++) {
		__u32 cause = sum->causes[i].cause;

		if (sum->causes[i].count)
			row(switches_title(cause),
			    switches_name(cause, name, sizeof(name)),
			    sum->causes[i].count, total, ios, seconds);
	}
	if (other)
		row("other", "exceptions and the rest", other, total, ios,
		    seconds);
	row("all", "", total, total, ios, seconds);
	printf("\n%llu block I/Os; context switches: %llu voluntary, %llu "
	       "involuntary;\n%llu moves to another CPU; %.2f s\n",
	       ios, BESIDE(sum, voluntary), BESIDE(sum, involuntary),
	       BESIDE(sum, migrations), seconds);
	if (BESIDE(sum, lost_causes) || BESIDE(sum, lost_stacks))
		printf("LOST: %llu switches, %llu stacks: the figures are too "
		       "low by that\n",
		       BESIDE(sum, lost_causes), BESIDE(sum, lost_stacks));
}

void switches_json(struct json *j, const struct switches *s,
		   const struct switches_sum *sum, double seconds)
{
	__u64 other = others(s, sum);
	char name[128];
	__u32 id;

	json_u64(j, "ns", seconds * 1e9);
	json_string(j, "sources", s->seen);
	json_string(j, "not_seen", s->missing);
	json_u64(j, "total", switches_total(sum) + other);
	json_array(j, "causes");
	for (size_t i = 0; i < sum->n; i++) {
		__u32 cause = sum->causes[i].cause;

		if (!sum->causes[i].count)
			continue;
		json_object(j, NULL);
		json_string(j, "kind", switches_title(cause));
		switches_kind(cause, &id);
		json_u64(j, "id", id);
		json_string(j, "name",
			    switches_name(cause, name, sizeof(name)));
		json_u64(j, "count", sum->causes[i].count);
		json_end(j);
	}
	json_end(j);
	json_u64(j, "other", other);
	for (int i = 0; i < FORCEPOLL_NR_BESIDES; i++)
		if (i != FORCEPOLL_BESIDE_exits || s->exits)
			json_u64(j, beside_names[i], sum->beside[i]);
}

void switches_line(const struct switches_sum *sum, double seconds, bool json)
{
	static const char *const names[] = {
#define X(name, title, first, many, id) #name,
		FORCEPOLL_KINDS(X)
#undef X
	};
	__u64 n[FORCEPOLL_NR_KINDS] = {};
	const char *comma = "";
	__u32 id;

	for (size_t i = 0; i < sum->n; i++) {
		int kind = switches_kind(sum->causes[i].cause, &id);

		if (kind != FORCEPOLL_KIND_fault || !(id & FORCEPOLL_FAULT_IO))
			n[kind] += sum->causes[i].count;
	}
	n[FORCEPOLL_KIND_syscall] += n[FORCEPOLL_KIND_syscall32];
	printf(json ? "{\"switches\":{" : "  switches/s:");
	for (int kind = 0; kind < FORCEPOLL_NR_KINDS; kind++) {
		if (kind == FORCEPOLL_KIND_syscall32)
			continue;
		if (json)
			printf("%s\"%s\":%llu", comma, names[kind], n[kind]);
		else
			printf("%s %.0f %s", comma, n[kind] / seconds,
			       names[kind]);
		comma = ",";
	}
	printf(json ? "}}\n" : "\n");
}
