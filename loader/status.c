// SPDX-License-Identifier: GPL-2.0
/* What is going on: the status command, and the lines of --interval. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forcepoll.h"

#include "classes.h"
#include "clock.h"
#include "control.h"
#include "device.h"
#include "device_print.h"
#include "json.h"
#include "ledger.h"
#include "log.h"
#include "module.h"
#include "options.h"
#include "pins.h"
#include "process.h"
#include "status.h"
#include "target_list.h"

struct text {
	const char *name, *text;
};

static const struct text counts[] = {
#define X(name, text) { #name, text },
	FORCEPOLL_COUNTS(X)
#undef X
};

/* In 80 columns, behind their number and name. */
#define X(name, text) _Static_assert(sizeof(text) <= 49, "too long: " #name);
FORCEPOLL_COUNTS(X)
FORCEPOLL_EVENTS(X)
#undef X

static const struct text waits[] = {
#define X(name, text) { #name, text },
	FORCEPOLL_WAITS(X)
#undef X
};

static const struct text origins[] = {
#define X(name, text) { #name, text },
	FORCEPOLL_ORIGINS(X)
#undef X
};

static const struct text events[] = {
#define X(name, text) { #name, text },
	FORCEPOLL_EVENTS(X)
#undef X
};

/* All that status shows, read once. */
struct view {
	bool module, enabled;
	const char *loader; /* none, running, background, orphaned */
	struct forcepoll_state state; /* of the run; none: 0 */
	struct forcepoll_stats stats;
	struct forcepoll_classes classes;
	__u64 events[FORCEPOLL_NR_EVENTS];
	__u32 nr_targets;
	struct target_entry *targets;
	struct device *devices;
	int nr_devices;
};

static int read_targets(struct view *v, const struct pins *pins)
{
	int fd = pins_map(pins, "targets"), err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = target_list_read(fd, &v->targets, &v->nr_targets);
	close(fd);
	return err;
}

static int read_events(struct view *v, const struct pins *pins)
{
	int cpus = libbpf_num_possible_cpus();
	int fd = pins_map(pins, "events");
	__u64 *values;
	int err = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	values = calloc(cpus, sizeof(*values));
	for (__u32 i = 0; values && i < FORCEPOLL_NR_EVENTS && !err; i++) {
		err = bpf_map_lookup_elem(fd, &i, values);
		for (int cpu = 0; cpu < cpus && !err; cpu++)
			v->events[i] += values[cpu];
	}
	err = values ? err : -ENOMEM;
	free(values);
	close(fd);
	return err;
}

static int read_stats(struct view *v)
{
	struct control control;
	int err;

	v->module = module_live();
	if (!v->module)
		return 0;
	v->enabled = module_enabled();
	err = control_try(&control);
	if (err) { /* it goes just now, or went, and is there again */
		v->module = module_live();
		if (!v->module)
			return 0;
		err = control_try(&control);
	}
	if (err)
		return control_refused(err);
	err = control_stats(&control, &v->stats);
	err = err ?: control_classes(&control, &v->classes);
	control_close(&control);
	return err;
}

static const char *loader_word(const struct pins *pins,
			       const struct forcepoll_state *state)
{
	if (!pins->found)
		return "none";
	if (pins_held(pins))
		return "running";
	if (access(pins->dir, F_OK)) /* it has ended just now */
		return "none";
	return state->flags & FORCEPOLL_STATE_BACKGROUND ? "background" :
							   "orphaned";
}

static int read_view(struct view *v, const struct options *o)
{
	struct pins pins = { .lock = -1 };
	int err;

	if (geteuid())
		return log_error(-EPERM, "must be run as root");
	err = pins_check(&pins, o->pin_dir);
	if (err)
		return err;
	if (pins.found) { /* or what comes to be there was not looked at */
		pins_state(&pins, &v->state);
		v->loader = loader_word(&pins, &v->state);
		err = read_targets(v, &pins);
		err = err ?: read_events(v, &pins);
	}
	if (err)
		return log_error(err, "%s: %s", o->pin_dir, strerror(-err));
	err = read_stats(v);
	if (err)
		return err;
	v->nr_devices = device_list(&v->devices);
	if (v->nr_devices < 0)
		return log_error(v->nr_devices, "block devices: %s",
				 strerror(-v->nr_devices));
	return 0;
}

static const char *by_word(__u32 tgid, __u32 flags)
{
	return !tgid			       ? "all" :
	       flags & FORCEPOLL_TARGET_CGROUP ? "cgroup" :
	       flags & FORCEPOLL_TARGET_NAME   ? "name" :
	       flags & FORCEPOLL_TARGET_PID    ? "pid" :
						 "hand";
}

static bool observed(const struct forcepoll_target *t)
{
	return t->flags & FORCEPOLL_TARGET_OBSERVE;
}

static void print_targets(const struct view *v)
{
	const __u32 most = 20;

	printf("\ntargets: %u\n", v->nr_targets);
	if (v->nr_targets)
		printf("  %8s  %-15s %-6s %9s  %-8s  %s\n", "TGID", "COMM",
		       "BY", "MAX BYTES", "CHILDREN", "I/O IS");
	for (__u32 i = 0; i < v->nr_targets; i++) {
		const struct forcepoll_target *t = &v->targets[i].target;
		char comm[16], max[16];

		if (i == most) {
			printf("  ... and %u more (--json lists all)\n",
			       v->nr_targets - most);
			break;
		}
		process_comm(v->targets[i].tgid, comm);
		snprintf(max, sizeof(max), "%u", t->max_bytes);
		printf("  %8u  %-15s %-6s %9s  %-8s  %s\n", v->targets[i].tgid,
		       comm, by_word(v->targets[i].tgid, t->flags),
		       t->max_bytes ? max : "-",
		       t->flags & FORCEPOLL_TARGET_FOLLOW ? "yes" : "no",
		       observed(t) ? "observed" : "polled");
	}
}

/* Where tasks poll what they have in flight together. */
static void print_waits(const struct forcepoll_stats *s)
{
	printf("\nwaits:\n");
	for (size_t i = 0; i < FORCEPOLL_NR_WAITS; i++)
		printf("  %-12s %s: %s\n", waits[i].name, waits[i].text,
		       s->waits >> i & 1 ? "polled" :
					   "interrupts, on this kernel");
}

/* Those that are not 0: the rest says nothing. */
static void print_counts(const struct text *text, const __u64 *n, size_t nr)
{
	bool none = true;

	for (size_t i = 0; i < nr; i++) {
		if (!n[i])
			continue;
		printf("  %12llu  %-15s %s\n", n[i], text[i].name,
		       text[i].text);
		none = false;
	}
	if (none)
		printf("  none yet\n");
}

static void print_origins(const struct forcepoll_stats *s)
{
	printf("\n  %-6s %12s %14s %12s %12s\n", "ORIGIN", "POLLED", "BYTES",
	       "MEAN WAIT us", "MEAN SPIN us");
	for (size_t i = 0; i < FORCEPOLL_NR_ORIGINS; i++) {
		if (!s->polled[i])
			continue;
		printf("  %-6s %12llu %14llu %12.1f %12.1f\n", origins[i].name,
		       s->polled[i], s->bytes[i],
		       s->wait_ns[i] / 1e3 / s->polled[i],
		       s->spin_ns[i] / 1e3 / s->polled[i]);
	}
}

/* What --observe is for. */
static void print_observed(const struct forcepoll_stats *s)
{
	printf("\n  %-6s %12s %14s\n", "ORIGIN", "OBSERVED", "BYTES");
	for (size_t i = 0; i < FORCEPOLL_NR_ORIGINS; i++)
		if (s->observed[i])
			printf("  %-6s %12llu %14llu\n", origins[i].name,
			       s->observed[i], s->observed_bytes[i]);
}

static void print_ledger(const struct forcepoll_stats *s)
{
	struct ledger ledger;

	print_origins(s);
	ledger_since(&ledger, s, NULL);
	ledger_print(&ledger);
}

static bool all_observed(const struct view *v)
{
	for (__u32 i = 0; i < v->nr_targets; i++)
		if (!observed(&v->targets[i].target))
			return false;
	return v->nr_targets;
}

static void print_view(struct view *v)
{
	static const char *const says[][2] = {
		{ "none", "no run" },
		{ "running", "a loader is running" },
		{ "background", "left in the background" },
		{ "orphaned",
		  "ORPHANED: its loader was killed; a new run takes "
		  "over, stop ends it" },
	};

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (!strcmp(v->loader, says[i][0]))
			printf("run:    %s\n", says[i][1]);
	printf("module: %s\n", !v->module      ? "not loaded" :
			       !v->enabled     ? "loaded, SWITCHED OFF: see "
						 "its parameter enabled" :
			       !v->stats.bound ? "loaded, not bound" :
			       all_observed(v) ? "loaded, bound: observing" :
						 "loaded, bound: polling");
	if (*v->stats.policy)
		printf("policy: %s%s\n", v->stats.policy,
		       v->stats.policy_disabled ? ", disabled: too slow" : "");
	print_targets(v);
	printf("\ndevices:\n");
	device_print_trees(v->devices, v->nr_devices);
	if (v->stats.bound) {
		print_waits(&v->stats);
		classes_print(&v->classes);
	}
	if (v->module) {
		printf("\ncounters since the module was loaded:\n");
		print_counts(counts, v->stats.count, FORCEPOLL_NR_COUNTS);
		if (v->stats.count[FORCEPOLL_COUNT_observed])
			print_observed(&v->stats);
		if (v->stats.count[FORCEPOLL_COUNT_polled])
			print_ledger(&v->stats);
	}
	if (strcmp(v->loader, "none")) {
		printf("\nevents since the run began:\n");
		print_counts(events, v->events, FORCEPOLL_NR_EVENTS);
	}
}

static void json_counts(struct json *j, const char *key,
			const struct text *text, const __u64 *n, size_t nr)
{
	json_object(j, key);
	for (size_t i = 0; i < nr; i++)
		json_u64(j, text[i].name, n[i]);
	json_end(j);
}

/*
 * Shape: see the man page. Counts are numbers of bios or events, *_ns
 * nanoseconds, all from kfunc forcepoll_stats_read() and map "events".
 */
static void json_view(struct view *v)
{
	const struct forcepoll_stats *s = &v->stats;
	struct json j = { .out = stdout };
	struct ledger ledger;

	json_object(&j, NULL);
	json_u64(&j, "abi", FORCEPOLL_ABI);
	json_string(&j, "run", v->loader);
	json_u64(&j, "run_started", v->state.started);
	json_bool(&j, "module_loaded", v->module);
	json_bool(&j, "enabled", v->enabled);
	json_bool(&j, "bound", s->bound);
	json_u64(&j, "targets_map_id", s->targets_id);
	json_u64(&j, "devices_map_id", s->devices_id);
	json_u64(&j, "inflight", s->inflight);
	json_u64(&j, "bios_in_flight", s->bios);
	json_u64(&j, "max_wait_ns", s->max_wait_ns);
	if (*s->policy) {
		json_object(&j, "policy");
		json_string(&j, "name", s->policy);
		json_bool(&j, "disabled", s->policy_disabled);
		json_end(&j);
	} else {
		json_null(&j, "policy");
	}

	json_array(&j, "targets");
	for (__u32 i = 0; i < v->nr_targets; i++) {
		const struct forcepoll_target *t = &v->targets[i].target;
		char comm[16];

		process_comm(v->targets[i].tgid, comm);
		json_object(&j, NULL);
		json_u64(&j, "tgid", v->targets[i].tgid);
		json_string(&j, "comm", comm);
		json_string(&j, "by", by_word(v->targets[i].tgid, t->flags));
		json_u64(&j, "flags", t->flags & FORCEPOLL_TARGET_FLAGS);
		json_u64(&j, "max_bytes", t->max_bytes);
		json_bool(&j, "observed", observed(t));
		json_end(&j);
	}
	json_end(&j);

	json_array(&j, "devices");
	for (int i = 0; i < v->nr_devices; i++) {
		const struct device *d = &v->devices[i];

		json_object(&j, NULL);
		json_string(&j, "name", d->name);
		json_bool(&j, "pollable", device_pollable(d));
		if (d->poll_queues >= 0)
			json_u64(&j, "poll_queues", d->poll_queues);
		else
			json_null(&j, "poll_queues");
		json_string(&j, "why", d->why);
		device_json(&j, d);
		json_end(&j);
	}
	json_end(&j);

	json_object(&j, "waits");
	for (size_t i = 0; i < FORCEPOLL_NR_WAITS; i++)
		json_bool(&j, waits[i].name, s->waits >> i & 1);
	json_end(&j);
	classes_json(&v->classes, &j);
	json_counts(&j, "counters", counts, s->count, FORCEPOLL_NR_COUNTS);
	json_counts(&j, "polled", origins, s->polled, FORCEPOLL_NR_ORIGINS);
	json_counts(&j, "bytes", origins, s->bytes, FORCEPOLL_NR_ORIGINS);
	json_counts(&j, "observed", origins, s->observed, FORCEPOLL_NR_ORIGINS);
	json_counts(&j, "observed_bytes", origins, s->observed_bytes,
		    FORCEPOLL_NR_ORIGINS);
	json_counts(&j, "wait_ns", origins, s->wait_ns, FORCEPOLL_NR_ORIGINS);
	json_counts(&j, "spin_ns", origins, s->spin_ns, FORCEPOLL_NR_ORIGINS);
	ledger_since(&ledger, s, NULL);
	ledger_json(&ledger, &j);
	json_counts(&j, "events", events, v->events, FORCEPOLL_NR_EVENTS);
	json_end(&j);
}

int status(const struct options *o)
{
	struct view v = { .loader = "none" };
	int err = read_view(&v, o);

	if (!err && o->json)
		json_view(&v);
	else if (!err)
		print_view(&v);
	free(v.targets);
	device_free(v.devices, v.nr_devices);
	return err;
}

int status_lines_open(struct status_lines *lines, const struct options *o)
{
	int err;

	*lines = (struct status_lines){ .options = o, .time = clock_now() };
	err = control_open(&lines->control, -1, -1);
	err = err ?: control_stats(&lines->control, &lines->before);
	if (!err && o->per_target)
		err = shares_open(&lines->shares, lines->before.irq_ns);
	return err;
}

void status_lines_close(struct status_lines *lines)
{
	shares_close(&lines->shares);
	control_close(&lines->control);
}

static __u64 sum(const __u64 *n)
{
	__u64 all = 0;

	for (size_t i = 0; i < FORCEPOLL_NR_ORIGINS; i++)
		all += n[i];
	return all;
}

/* What one line says: of the time since the line before. */
struct line {
	double sec;
	__u64 submitted, polled, observed, wait_ns, naps, busy;
	struct ledger ledger;
};

static void print_json_line(const struct line *l)
{
	printf("{\"seconds\":%.3f,\"submitted\":%llu,\"polled\":%llu,"
	       "\"observed\":%llu,\"wait_ns\":%llu,\"spin_ns\":%llu,\"naps\":%llu,"
	       "\"skip_busy\":%llu,\"useful_ns_estimate\":%llu,"
	       "\"wasted_ns_estimate\":%llu,"
	       "\"interrupts_avoided_estimate\":%llu",
	       l->sec, l->submitted, l->polled, l->observed, l->wait_ns,
	       l->ledger.spin_ns, l->naps, l->busy, l->ledger.useful_ns,
	       l->ledger.spin_ns - l->ledger.useful_ns, l->ledger.avoided);
}

/* With --observe what would be polled is said where what is polled would be. */
static void print_line(const struct line *l, bool observe, unsigned int nth)
{
	const __u64 polled = observe ? l->observed : l->polled;

	if (nth % 20 == 0)
		printf("%11s %9s %7s %8s %9s %7s %8s %6s %6s\n", "SUBMITTED/s",
		       observe ? "WOULD/s" : "POLLED/s",
		       observe ? "WOULD%" : "POLLED%", "WAIT us", "SPIN cpu%",
		       "USEFUL%", "NOIRQ/s", "NAPS/s", "BUSY/s");
	printf("%11.0f %9.0f %7.1f %8.1f %9.1f %7.1f %8.0f %6.0f %6.0f\n",
	       l->submitted / l->sec, polled / l->sec,
	       l->submitted ? 100.0 * polled / l->submitted : 0,
	       l->polled ? l->wait_ns / 1e3 / l->polled : 0,
	       l->ledger.spin_ns / l->sec / 1e7, ledger_useful(&l->ledger),
	       l->ledger.avoided / l->sec, l->naps / l->sec, l->busy / l->sec);
}

/* Rates over the time since the last line. */
int status_lines_print(struct status_lines *lines)
{
	const struct forcepoll_stats *was = &lines->before;
	bool json = lines->options->json;
	struct forcepoll_stats s;
	struct line l;
	double t = clock_now();
	int err = control_stats(&lines->control, &s);

	if (err)
		return err;
#define SINCE(name) \
	(s.count[FORCEPOLL_COUNT_##name] - was->count[FORCEPOLL_COUNT_##name])
	l = (struct line){
		.sec = t - lines->time,
		.submitted = SINCE(submitted),
		.polled = SINCE(polled),
		.observed = SINCE(observed),
		.naps = SINCE(naps),
		.busy = SINCE(skip_busy),
		.wait_ns = sum(s.wait_ns) - sum(was->wait_ns),
	};
#undef SINCE
	ledger_since(&l.ledger, &s, was);
	if (json)
		print_json_line(&l);
	else
		print_line(&l, lines->options->observe, lines->printed++);
	if (lines->options->per_target)
		err = shares_print(&lines->shares, s.irq_ns, l.sec, json);
	if (json)
		puts("}");
	lines->before = s;
	lines->time = t;
	return err;
}
