// SPDX-License-Identifier: GPL-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "forcepoll.h"

#include "log.h"
#include "options.h"
#include "targets.skel.h"
#include "track.h"

int track_check(struct track *t, const struct options *o)
{
	*t = (struct track){ .options = o };
	return select_check(&t->selection, o);
}

int track_open(struct track *t)
{
	const struct options *o = t->options;
	int err;

	t->bpf = targets_bpf__open();
	if (!t->bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	select_configure(o, t->bpf);
	err = targets_bpf__load(t->bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	err = select_pids(&t->selection, o, t->bpf);
	if (err)
		return err;
	err = targets_bpf__attach(t->bpf);
	if (err)
		return log_error(err, "attach: %s (-v shows more)",
				 strerror(-err));
	err = select_rules(&t->selection, o, t->bpf);
	return err ?: select_seed(&t->selection, o, t->bpf);
}

void track_again(struct track *t)
{
	if (t->bpf)
		select_cgroups_again(&t->selection, t->options, t->bpf);
}

int track_targets(const struct track *t)
{
	return bpf_map__fd(t->bpf->maps.targets);
}

void track_close(struct track *t)
{
	if (!t->options)
		return;
	targets_bpf__destroy(t->bpf);
	select_free(&t->selection, t->options);
}
