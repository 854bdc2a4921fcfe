// SPDX-License-Identifier: GPL-2.0
/* One window of ab: what the targets' I/O took, and what it cost the machine. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "ab.skel.h"
#include "ab_window.h"
#include "clock.h"
#include "cpu_time.h"
#include "log.h"

static void add_cell(struct ab_cell *sum, const struct ab_cell *c)
{
	sum->hist.count += c->hist.count;
	sum->hist.sum_ns += c->hist.sum_ns;
	sum->bytes += c->bytes;
	for (size_t i = 0; i < LATENCY_SLOTS; i++)
		sum->hist.slot[i] += c->hist.slot[i];
}

static void subtract_cell(struct ab_cell *c, const struct ab_cell *was)
{
	c->hist.count -= was->hist.count;
	c->hist.sum_ns -= was->hist.sum_ns;
	c->bytes -= was->bytes;
	for (size_t i = 0; i < LATENCY_SLOTS; i++)
		c->hist.slot[i] -= was->hist.slot[i];
}

void ab_window_add(struct ab_window *sum, const struct ab_window *w)
{
	sum->seconds += w->seconds;
	sum->machine_s += w->machine_s;
	sum->cgroups_s += w->cgroups_s;
	for (size_t i = 0; i < FORCEPOLL_NR_COUNTS; i++)
		sum->count[i] += w->count[i];
	for (size_t i = 0; i < AB_NR_KINDS; i++)
		add_cell(&sum->cell[i], &w->cell[i]);
}

static int load(struct ab_bpf *bpf, int targets)
{
	int err;

	bpf->rodata->nr_io_submit = SYS_io_submit;
	bpf->rodata->nr_io_uring_enter = SYS_io_uring_enter;
	err = bpf_map__reuse_fd(bpf->maps.targets, targets);
	err = err ?: ab_bpf__load(bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	err = ab_bpf__attach(bpf);
	if (err)
		return log_error(err, "attach: %s (-v shows more)",
				 strerror(-err));
	return 0;
}

int ab_probe_open(struct ab_probe *p, int targets, const struct words *cgroups)
{
	int err;

	*p = (struct ab_probe){
		.cgroups = cgroups,
		.percpu =
			calloc(libbpf_num_possible_cpus(), sizeof(*p->percpu)),
	};
	if (!p->percpu)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	p->bpf = ab_bpf__open();
	if (!p->bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	err = load(p->bpf, targets);
	return err ?: control_open(&p->control, -1, -1);
}

void ab_probe_close(struct ab_probe *p)
{
	control_close(&p->control);
	ab_bpf__destroy(p->bpf);
	free(p->percpu);
	*p = (struct ab_probe){};
}

/* All CPUs' as one. */
static int read_cell(const struct ab_probe *p, __u32 key, struct ab_cell *c)
{
	int cpus = libbpf_num_possible_cpus(), err;

	*c = (struct ab_cell){};
	err = bpf_map_lookup_elem(bpf_map__fd(p->bpf->maps.cells), &key,
				  p->percpu);
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		add_cell(c, &p->percpu[cpu]);
	return err;
}

/* What grows by itself. */
static int read_rest(struct ab_probe *p, struct ab_window *w)
{
	struct forcepoll_stats stats;
	int err = control_stats(&p->control, &stats);

	w->machine_s = cpu_time_machine();
	w->cgroups_s = cpu_time_cgroups(p->cgroups);
	w->seconds = clock_now();
	memcpy(w->count, stats.count, sizeof(w->count));
	return err;
}

int ab_window_begin(struct ab_probe *p, enum ab_arm arm)
{
	int err = read_rest(p, &p->begun);

	p->bpf->data->arm = arm;
	return err;
}

int ab_window_end(struct ab_probe *p, enum ab_arm arm, struct ab_window *w)
{
	int err;

	p->bpf->data->arm = AB_NR_ARMS;
	err = read_rest(p, w);
	if (err)
		return err;
	w->seconds -= p->begun.seconds;
	w->machine_s -= p->begun.machine_s;
	w->cgroups_s -= p->begun.cgroups_s;
	if (w->cgroups_s < 0) /* one was made again meanwhile */
		w->cgroups_s = NAN;
	for (size_t i = 0; i < FORCEPOLL_NR_COUNTS; i++)
		w->count[i] -= p->begun.count[i];
	for (__u32 kind = 0; kind < AB_NR_KINDS && !err; kind++) {
		struct ab_cell *so_far = &p->cell[AB_CELL(arm, kind)], was;

		was = *so_far;
		err = read_cell(p, AB_CELL(arm, kind), so_far);
		w->cell[kind] = *so_far;
		subtract_cell(&w->cell[kind], &was);
	}
	return err ? log_error(err, "map cells: %s", strerror(-err)) : 0;
}

__u64 ab_probe_lost(const struct ab_probe *p)
{
	__u64 n = p->bpf->bss->lost_full;
	struct bpf_prog_info info;
	struct bpf_program *prog;
	__u32 len;

	bpf_object__for_each_program(prog, p->bpf->obj) {
		info = (struct bpf_prog_info){};
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			n += info.recursion_misses;
	}
	return n;
}
