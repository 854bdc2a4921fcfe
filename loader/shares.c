// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "share.h"

#include "log.h"
#include "process.h"
#include "shares.h"
#include "shares.skel.h"

struct process_share {
	__u32 tgid;
	struct share total, since;
};

int shares_open(struct shares *s, __u64 irq_ns)
{
	int err;

	*s = (struct shares){ .bpf = shares_bpf__open() };
	if (!s->bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	err = shares_bpf__load(s->bpf);
	if (!err) {
		s->bpf->bss->irq_ns = irq_ns;
		err = shares_bpf__attach(s->bpf);
	}
	if (err)
		return log_error(err, "--per-target: %s (-vv shows why)",
				 strerror(-err));
	return 0;
}

void shares_close(struct shares *s)
{
	shares_bpf__destroy(s->bpf);
	free(s->before);
	*s = (struct shares){};
}

/* The busiest first, and last those of whom there is nothing to say. */
static int by_spin(const void *a, const void *b)
{
	const struct share *x = &((const struct process_share *)a)->since;
	const struct share *y = &((const struct process_share *)b)->since;

	if (x->spin_ns != y->spin_ns)
		return x->spin_ns < y->spin_ns ? 1 : -1;
	return (x->polled < y->polled) - (x->polled > y->polled);
}

/* A number used again, or forgotten and learnt again, begins at 0. */
static void subtract(struct process_share *p, const struct process_share *was)
{
	p->since = p->total;
	if (!was || was->total.polled > p->total.polled ||
	    was->total.spin_ns > p->total.spin_ns)
		return;
	p->since.polled -= was->total.polled;
	p->since.spin_ns -= was->total.spin_ns;
	p->since.useful_ns -= was->total.useful_ns;
}

static int read_one(int fd, struct process_share *p, struct share *percpu,
		    int cpus)
{
	int err = bpf_map_lookup_elem(fd, &p->tgid, percpu);

	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		p->total.polled += percpu[cpu].polled;
		p->total.spin_ns += percpu[cpu].spin_ns;
		p->total.useful_ns += percpu[cpu].useful_ns;
	}
	return err;
}

/* All there are, by tgid, to be freed. Return: how many, or -errno. */
static ssize_t read_all(const struct shares *s, struct process_share **all)
{
	int fd = bpf_map__fd(s->bpf->maps.shares);
	size_t most = bpf_map__max_entries(s->bpf->maps.shares), n = 0;
	int cpus = libbpf_num_possible_cpus();
	struct share *percpu = calloc(cpus, sizeof(*percpu));
	__u32 key, *prev = NULL;

	*all = calloc(most, sizeof(**all));
	while (*all && percpu && n < most &&
	       !bpf_map_get_next_key(fd, prev, &key)) {
		struct process_share *p = &(*all)[n];

		*p = (struct process_share){ .tgid = key };
		if (!read_one(fd, p, percpu, cpus))
			n++;
		prev = &key;
	}
	if (!*all || !percpu) {
		free(percpu);
		return -ENOMEM;
	}
	free(percpu);
	return process_sort(*all, n, sizeof(**all));
}

static void print_text(const struct process_share *p, double sec)
{
	char comm[16];

	process_comm(p->tgid, comm);
	printf("  %-15s %9u  %9.0f polled/s %6.1f cpu%% %5.1f useful%%\n", comm,
	       p->tgid, p->since.polled / sec, p->since.spin_ns / sec / 1e7,
	       100.0 * p->since.useful_ns / (p->since.spin_ns ?: 1));
}

static void print_json(const struct process_share *p, int nth)
{
	printf("%s{\"tgid\":%u,\"polled\":%llu,\"spin_ns\":%llu,"
	       "\"useful_ns_estimate\":%llu}",
	       nth ? "," : "", p->tgid, p->since.polled, p->since.spin_ns,
	       p->since.useful_ns);
}

/* For people the busiest, for programs all that polled. */
static void print_all(struct process_share *all, size_t n, double sec, int json)
{
	const size_t most = json ? n : 10;

	qsort(all, n, sizeof(*all), by_spin);
	if (json)
		printf(",\"targets\":[");
	for (size_t i = 0; i < n && i < most; i++) {
		if (!all[i].since.polled && !all[i].since.spin_ns)
			break;
		if (json)
			print_json(&all[i], i);
		else
			print_text(&all[i], sec);
	}
	if (json)
		putchar(']');
}

int shares_print(struct shares *s, __u64 irq_ns, double sec, int json)
{
	struct process_share *all;
	ssize_t n = read_all(s, &all);

	s->bpf->bss->irq_ns = irq_ns; /* it may be written at any time */
	if (n >= 0) {
		for (ssize_t i = 0; i < n; i++)
			subtract(&all[i],
				 s->before ? bsearch(&all[i], s->before,
						     s->nr_before, sizeof(*all),
						     process_by_tgid) :
					     NULL);
		free(s->before);
		s->before = calloc(n + 1, sizeof(*all));
		s->nr_before = s->before ? n : 0;
		if (s->before)
			memcpy(s->before, all, n * sizeof(*all));
		else
			n = -ENOMEM;
	}
	if (n >= 0)
		print_all(all, n, sec, json);
	free(all);
	return n < 0 ? n : 0;
}
