// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "device_print.h"
#include "doctor_report.h"
#include "json.h"
#include "wrap.h"

static const char *const status_text[] = { "ok", "no", "warn", "FAIL" };

struct check {
	char name[32];
	enum status status;
	char *text;
	char *fix; /* lines, NULL: none */
};

void check(struct report *r, const char *name, enum status status,
	   const char *format, ...)
{
	struct check *checks, *c;
	va_list args;

	checks = reallocarray(r->checks, r->nr_checks + 1, sizeof(*checks));
	if (!checks) {
		r->err = -ENOMEM;
		return;
	}
	r->checks = checks;
	c = &checks[r->nr_checks];
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->status = status;
	va_start(args, format);
	if (vasprintf(&c->text, format, args) < 0)
		r->err = -ENOMEM;
	else
		r->nr_checks++;
	va_end(args);
}

void fix(struct report *r, const char *format, ...)
{
	struct check *c = r->checks + r->nr_checks - 1;
	char *line, *all;
	va_list args;
	int len;

	if (r->err)
		return;
	va_start(args, format);
	len = vasprintf(&line, format, args);
	va_end(args);
	if (len < 0) {
		r->err = -ENOMEM;
		return;
	}
	len = asprintf(&all, "%s%s%s", c->fix ?: "", c->fix ? "\n" : "", line);
	free(line);
	if (len < 0) {
		r->err = -ENOMEM;
		return;
	}
	free(c->fix);
	c->fix = all;
}

/* Why not: the first check that failed. NULL: none did. */
static const struct check *first_failure(const struct report *r, int from)
{
	for (int i = from; i < r->nr_checks; i++)
		if (r->checks[i].status == FAIL)
			return &r->checks[i];
	return NULL;
}

bool report_failed(const struct report *r, int from)
{
	return first_failure(r, from);
}

void report_free(struct report *r)
{
	for (int i = 0; i < r->nr_checks; i++) {
		free(r->checks[i].text);
		free(r->checks[i].fix);
	}
	free(r->checks);
}

enum { NAME_COLUMN = 6, TEXT_COLUMN = 18 };

static void print_check(const struct check *c)
{
	int column = printf("%-5s %-11s ", status_text[c->status], c->name);
	char *rest = c->fix, *line;

	wrap(c->text, column, TEXT_COLUMN);
	/* Nobody needs it after this: it is cut into its lines. */
	while ((line = strsep(&rest, "\n"))) {
		if (*line == '\t') {
			printf("%*s%s\n", NAME_COLUMN + 2, "", line + 1);
		} else {
			printf("%*s", NAME_COLUMN, "");
			wrap(line, NAME_COLUMN, NAME_COLUMN);
		}
	}
}

static void print_verdict(const struct report *r)
{
	const struct check *why = first_failure(r, 0);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int others = -1, listed = 0;

	if (!f)
		return;
	for (int i = 0; i < r->nr_checks; i++)
		others += r->checks[i].status == FAIL;
	if (why) {
		fprintf(f, "This machine cannot poll yet: %s: %s", why->name,
			why->text);
		if (others)
			fprintf(f, " (and %d more FAIL above)", others);
	} else {
		fprintf(f, "This machine can poll%s:",
			r->root ? "" : ", as far as can be seen without root");
		for (int i = 0; i < r->nr_devices; i++)
			if (device_pollable(&r->devices[i]))
				fprintf(f, "%s %s", listed++ ? "," : "",
					r->devices[i].name);
	}
	if (!fclose(f)) {
		putchar('\n');
		wrap(text, 0, 0);
	}
	free(text);
}

void report_text(const struct report *r)
{
	for (int i = 0; i < r->nr_checks; i++)
		print_check(&r->checks[i]);
	print_verdict(r);
}

static void json_check(struct json *j, const struct check *c)
{
	json_object(j, NULL);
	json_string(j, "name", c->name);
	json_string(j, "status", status_text[c->status]);
	json_string(j, "text", c->text);
	if (c->fix)
		json_string(j, "fix", c->fix);
	else
		json_null(j, "fix");
	json_end(j);
}

static void json_device(struct json *j, const struct device *d)
{
	json_object(j, NULL);
	json_string(j, "name", d->name);
	json_u64(j, "major", d->major);
	json_u64(j, "minor", d->minor);
	json_bool(j, "mq", d->mq);
	json_bool(j, "io_poll", d->io_poll);
	if (d->poll_queues < 0)
		json_null(j, "poll_queues");
	else
		json_u64(j, "poll_queues", d->poll_queues);
	json_string(j, "scheduler", d->elevator);
	json_string(j, "controller", d->controller);
	json_bool(j, "can_poll", device_pollable(d));
	json_string(j, "why", d->why);
	device_json(j, d);
	json_end(j);
}

void report_json(const struct report *r)
{
	struct json j = { .out = stdout };

	json_object(&j, NULL);
	json_array(&j, "checks");
	for (int i = 0; i < r->nr_checks; i++)
		json_check(&j, &r->checks[i]);
	json_end(&j);
	json_array(&j, "devices");
	for (int i = 0; i < r->nr_devices; i++)
		json_device(&j, &r->devices[i]);
	json_end(&j);
	json_bool(&j, "can_poll", !report_failed(r, 0));
	json_end(&j);
}
