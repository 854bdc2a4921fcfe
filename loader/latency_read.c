// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "forcepoll.h"
#include "latency_hist.h"

#include "latency.skel.h"
#include "latency_read.h"
#include "latency_report.h"

/* Events that came while the program was at work on the same CPU. */
static __u64 missed(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (!bpf_program__autoload(prog) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 0;
	return info.recursion_misses;
}

static void add(struct latency_hist *sum, const struct latency_hist *h)
{
	sum->count += h->count;
	sum->sum_ns += h->sum_ns;
	if (sum->max_ns < h->max_ns)
		sum->max_ns = h->max_ns;
	for (size_t i = 0; i < LATENCY_SLOTS; i++)
		sum->slot[i] += h->slot[i];
}

int latency_read(const struct latency_bpf *bpf, struct latency_report *r)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct latency_hist *percpu = calloc(cpus, sizeof(*percpu));

	r->cell = calloc(LATENCY_NR_CELLS, sizeof(*r->cell));
	if (!percpu || !r->cell)
		err = -ENOMEM;
	for (__u32 i = 0; i < LATENCY_NR_CELLS && !err; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(bpf->maps.hists), &i,
					  percpu);
		for (int cpu = 0; cpu < cpus && !err; cpu++)
			add(&r->cell[i], &percpu[cpu]);
	}
	free(percpu);
	r->lost_full = bpf->bss->lost_full;
	r->lost_missed = missed(bpf->progs.on_queue) +
			 missed(bpf->progs.on_rq_complete) +
			 missed(bpf->progs.on_bio_complete) +
			 missed(bpf->progs.on_polled);
	return err;
}
