// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "forcepoll.h" /* types that the skeleton's variables have */

#include "control.h"
#include "control.skel.h"
#include "log.h"

/*
 * Does the module's BTF have a function of this name? The BTF of a module has the
 * strings that the kernel's has not, each behind a NUL: to find one does without
 * parsing both.
 */
static bool has_kfunc(const char *btf, size_t size, const char *name)
{
	return memmem(btf, size, name, strlen(name + 1) + 2);
}

/*
 * Load only the programs whose kfunc this module exports: it has one of the two
 * forms of bind, by what its kernel's verifier can do.
 */
static int pick_programs(struct control_bpf *bpf, bool bind)
{
	static const char path[] = "/sys/kernel/btf/forcepoll";
	static char btf[1 << 20]; /* it has some 5 KiB */
	FILE *f = fopen(path, "re");
	size_t size = f ? fread(btf, 1, sizeof(btf), f) : 0;

	if (f)
		fclose(f);
	if (!size)
		return -ENODATA;
	bpf_program__set_autoload(bpf->progs.control_bind,
				  bind && has_kfunc(btf, size,
						    "\0forcepoll_bind"));
	bpf_program__set_autoload(bpf->progs.control_bind_fd,
				  bind && has_kfunc(btf, size,
						    "\0forcepoll_bind_fd"));
	return 0;
}

int control_refused(int err)
{
	if (err == -ENODATA)
		return log_error(err,
				 "module forcepoll has no BTF that this kernel "
				 "accepts: rebuild it for this kernel");
	return log_error(err,
			 "module forcepoll: its kfuncs cannot be called: %s "
			 "(-vv shows why)",
			 strerror(-err));
}

static int load(struct control *c, int targets_fd, int devices_fd)
{
	bool bind = targets_fd >= 0;
	int err;

	c->bpf = control_bpf__open();
	if (!c->bpf)
		return -errno;
	err = pick_programs(c->bpf, bind);
	if (!err && bind) {
		err = bpf_map__reuse_fd(c->bpf->maps.targets, targets_fd);
		if (!err)
			err = bpf_map__reuse_fd(c->bpf->maps.devices,
						devices_fd);
	} else if (!err) {
		bpf_map__set_autocreate(c->bpf->maps.targets, false);
		bpf_map__set_autocreate(c->bpf->maps.devices, false);
	}
	err = err ?: control_bpf__load(c->bpf);
	if (err)
		control_close(c);
	return err;
}

int control_open(struct control *c, int targets_fd, int devices_fd)
{
	int err = load(c, targets_fd, devices_fd);

	return err ? control_refused(err) : 0;
}

int control_try(struct control *c)
{
	return load(c, -1, -1);
}

void control_close(struct control *c)
{
	control_bpf__destroy(c->bpf);
	c->bpf = NULL;
}

/* A program's return value is the kfunc's. */
static int call(const struct bpf_program *prog, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx,
		    .ctx_size_in = size);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return err ?: (int)opts.retval;
}

int control_bind(struct control *c)
{
	struct {
		int targets, devices;
	} fds = {
		bpf_map__fd(c->bpf->maps.targets),
		bpf_map__fd(c->bpf->maps.devices),
	};
	int err;

	if (bpf_program__autoload(c->bpf->progs.control_bind))
		err = call(c->bpf->progs.control_bind, NULL, 0);
	else
		err = call(c->bpf->progs.control_bind_fd, &fds, sizeof(fds));
	if (err == -EBUSY)
		return log_error(
			err, "submit_bio_noacct is taken: another forcepoll "
			     "is bound, its pins in another --pin-dir or "
			     "removed, or a live patch is in place, or ftrace "
			     "is off");
	if (err)
		return log_error(err, "bind: %s", strerror(-err));
	return 0;
}

int control_release(struct control *c)
{
	int err = call(c->bpf->progs.control_release, NULL, 0);

	if (err && err != -ENOENT)
		return log_error(err, "release: %s", strerror(-err));
	return 0;
}

int control_stats_of_any(struct control *c, struct forcepoll_stats *stats)
{
	int err = call(c->bpf->progs.control_stats, NULL, 0);

	if (err)
		return log_error(err, "counters: %s", strerror(-err));
	*stats = c->bpf->bss->stats;
	return 0;
}

int control_stats(struct control *c, struct forcepoll_stats *stats)
{
	int err = control_stats_of_any(c, stats);

	if (err)
		return err;
	if (stats->abi != FORCEPOLL_ABI)
		return log_error(-EPROTO,
				 "the loaded module is of another version of "
				 "forcepoll (%llu, not %d): unload it",
				 stats->abi, FORCEPOLL_ABI);
	return 0;
}

int control_classes(struct control *c, struct forcepoll_classes *classes)
{
	int err = call(c->bpf->progs.control_classes, NULL, 0);

	if (err)
		return log_error(err, "classes: %s", strerror(-err));
	*classes = c->bpf->bss->classes;
	return 0;
}
