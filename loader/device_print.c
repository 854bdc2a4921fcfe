// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "device_print.h"
#include "json.h"
#include "stack.h"
#include "wrap.h"

void device_verdict(const struct device *d, char *buf, size_t size)
{
	int below = stack_pollable_below(d);

	if (!device_pollable(d))
		snprintf(buf, size, "not polled: %s", d->why);
	else if (d->stacked && below < d->nr_below)
		snprintf(buf, size, "polled where below can: %d of %d", below,
			 d->nr_below);
	else if (d->stacked)
		snprintf(buf, size, "polled");
	else if (d->poll_queues >= 0)
		snprintf(buf, size, "%d poll queue%s", d->poll_queues,
			 d->poll_queues == 1 ? "" : "s");
	else
		snprintf(buf, size, "can poll");
}

/* Widths of columns. What is longer than most does not make all lines longer. */
struct layout {
	int name, type;
};

#define MARGIN 2
#define NAME_WIDTH_MIN 12
#define NAME_WIDTH_MAX 22
#define TYPE_WIDTH_MAX 14

static void widen(int *width, int to, int max)
{
	if (to > *width)
		*width = to < max ? to : max;
}

static int format_name(const struct device *d, char *buf, size_t size)
{
	return snprintf(buf, size, "%s%s%s%s", d->name,
			d->dm_name[0] ? " (" : "", d->dm_name,
			d->dm_name[0] ? ")" : "");
}

static void measure(struct layout *l, const struct device *d, int depth)
{
	char name[192];

	widen(&l->name, 2 * depth + format_name(d, name, sizeof(name)),
	      NAME_WIDTH_MAX);
	widen(&l->type, strlen(d->type), TYPE_WIDTH_MAX);
	for (int i = 0; i < d->nr_below; i++)
		measure(l, d->below[i], depth + 1);
}

/* @stem: lines from those above; @branch: from the one right above. */
static void print_device(const struct layout *l, const struct device *d,
			 const char *stem, const char *branch, int depth)
{
	char name[192], verdict[256];
	int type = 2 * MARGIN + l->name, text = type + l->type + MARGIN;
	int column = MARGIN + 2 * depth + format_name(d, name, sizeof(name));

	printf("%*s%s%s%s", MARGIN, "", stem, branch, name);
	if (column > type - MARGIN) {
		putchar('\n');
		column = 0;
	}
	column += printf("%*s%-*s", type - column, "", l->type, d->type);
	column += printf("%*s", MARGIN, "");
	device_verdict(d, verdict, sizeof(verdict));
	wrap(verdict, column, text);
}

static void print_below(const struct layout *l, const struct device *d,
			const char *stem, int depth)
{
	char longer[256];

	for (int i = 0; i < d->nr_below; i++) {
		bool last = i + 1 == d->nr_below;

		print_device(l, d->below[i], stem, last ? "└─" : "├─", depth);
		snprintf(longer, sizeof(longer), "%s%s", stem,
			 last ? "  " : "│ ");
		print_below(l, d->below[i], longer, depth + 1);
	}
}

/* Loop devices and the like that nothing is attached to say nothing. */
static bool is_top(const struct device *d)
{
	return !d->nr_above && !d->empty;
}

void device_print_trees(const struct device *all, int n)
{
	struct layout l = { .name = NAME_WIDTH_MIN };

	for (int i = 0; i < n; i++)
		if (is_top(&all[i]))
			measure(&l, &all[i], 0);
	for (int i = 0; i < n; i++) {
		if (!is_top(&all[i]))
			continue;
		print_device(&l, &all[i], "", "", 0);
		print_below(&l, &all[i], "", 1);
	}
}

void device_json(struct json *j, const struct device *d)
{
	json_string(j, "type", d->type);
	if (d->dm_name[0])
		json_string(j, "dm_name", d->dm_name);
	json_bool(j, "stacked", d->stacked);
	json_array(j, "below");
	for (int i = 0; i < d->nr_below; i++)
		json_string(j, NULL, d->below[i]->name);
	json_end(j);
}
