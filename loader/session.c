// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "forcepoll.h"

#include "control.h"
#include "log.h"
#include "machine.h"
#include "module.h"
#include "options.h"
#include "policy.h"
#include "select_devices.h"
#include "session.h"
#include "steps.h"
#include "targets.skel.h"

static int open_bpf(struct targets_bpf **bpf, const struct pins *pins,
		    const struct options *o)
{
	int err;

	*bpf = targets_bpf__open();
	if (!*bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	select_configure(o, *bpf);
	if (pins) { /* the rules of a run that is taken over hold on */
		(*bpf)->rodata->have_comms |= pins_filled(pins, "comms");
		(*bpf)->rodata->have_exes |= pins_filled(pins, "exes");
	}
	err = pins ? pins_prepare(pins, *bpf) : 0;
	if (err)
		return err;
	err = targets_bpf__load(*bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	if (pins)
		step("maps");
	return 0;
}

/* Loaded without pins: the verifier's word, and the PIDs', at no risk. */
static int rehearse(struct selection *s, const struct options *o)
{
	struct targets_bpf *bpf = NULL;
	int err;

	err = open_bpf(&bpf, NULL, o);
	err = err ?: select_pids(s, o, bpf);
	targets_bpf__destroy(bpf);
	return err;
}

int session_check(struct session *s, const struct options *o)
{
	int err;

	*s = (struct session){ .options = o, .pins.lock = -1 };
	err = machine_check();
	err = err ?: select_check(&s->selection, o);
	err = err ?: select_devices(&s->selection, o);
	err = err ?: pins_check(&s->pins, o->pin_dir);
	if (!err && o->policy)
		err = policy_check(o->policy);
	if (!err && (o->pids.n || o->dry_run))
		err = rehearse(&s->selection, o);
	return err;
}

/* Another run, of another directory, may be bound. */
static bool bound_to(const struct forcepoll_stats *stats, __u32 targets_id)
{
	return stats->bound && stats->targets_id == targets_id;
}

static int stats_of_any(struct forcepoll_stats *stats)
{
	struct control control;
	int err = control_try(&control);

	if (err)
		return err;
	err = control_stats_of_any(&control, stats);
	control_close(&control);
	return err;
}

/* One that cannot be asked is left alone. */
static bool is_running(__u32 targets_id)
{
	struct forcepoll_stats stats = {};

	return targets_id && module_used() &&
	       (stats_of_any(&stats) || bound_to(&stats, targets_id));
}

/* What there is to take over. */
static int look(struct session *s)
{
	if (!s->pins.found)
		return 0;
	s->running = is_running(pins_targets_id(&s->pins));
	s->counted = pins_counted(&s->pins);
	if (pins_state(&s->pins, &s->before))
		return 0;
	/* 0: its loader was killed before it could say so. */
	if (s->before.abi && s->before.abi != FORCEPOLL_ABI)
		return log_error(-EPROTO,
				 "%s: left by another version of forcepoll: "
				 "end it first, by forcepoll-loader stop",
				 s->pins.dir);
	return 0;
}

int session_lock(struct session *s)
{
	int err = pins_lock(&s->pins);

	/* Whoever held it may have left something, or nothing. */
	err = err ?: pins_check(&s->pins, s->pins.dir);
	return err ?: look(s);
}

int session_free(struct session *s)
{
	struct forcepoll_stats stats = {};
	struct control control;
	int err = pins_free(&s->pins);

	err = err ?: look(s);
	if (err || !module_loaded())
		return err;
	err = control_open(&control, -1, -1);
	if (err)
		return err;
	err = control_stats(&control, &stats);
	control_close(&control);
	if (err || s->running || !stats.bound)
		return err;
	return log_error(-EBUSY, "another forcepoll is bound: its pins are in "
				 "another --pin-dir, or removed");
}

static const char *const parameters[SESSION_NR_PARAMETERS] = {
	"mode",
	"max_poll_cpu",
	"max_poll_cpu_total",
};

/* They stay as they are until the module goes: each run says what it wants. */
static int set_parameters(struct session *s)
{
	const struct options *o = s->options;
	char wanted[SESSION_NR_PARAMETERS][16];
	int err = 0;

	snprintf(wanted[0], sizeof(wanted[0]), "%s", o->mode ?: "auto");
	snprintf(wanted[1], sizeof(wanted[1]), "%u", o->max_poll_cpu);
	snprintf(wanted[2], sizeof(wanted[2]), "%u", o->max_poll_cpu_total);
	for (int i = 0; i < SESSION_NR_PARAMETERS && !err; i++) {
		err = module_get(parameters[i], s->parameters[i],
				 sizeof(s->parameters[i]));
		err = err ?: module_set(parameters[i], wanted[i]);
	}
	return err;
}

static void reset_parameters(const struct session *s)
{
	for (int i = 0; i < SESSION_NR_PARAMETERS; i++)
		if (*s->parameters[i])
			module_set(parameters[i], s->parameters[i]);
}

static int bind(struct session *s)
{
	struct targets_bpf *bpf = s->bpf;
	struct forcepoll_stats stats;
	struct control control;
	int err;

	err = targets_bpf__attach(bpf);
	if (err)
		return log_error(err, "attach: %s (-v shows more)",
				 strerror(-err));
	step("attach");
	err = pins_links(&s->pins, bpf);
	err = err   ?:
		      control_open(&control, bpf_map__fd(bpf->maps.targets),
				   bpf_map__fd(bpf->maps.devices));
	if (err)
		return err;
	/* One of another version can be asked nothing, nor be ended in order. */
	err = control_stats(&control, &stats);
	err = err ?: control_bind(&control);
	if (!err)
		step("bind");
	control_close(&control);
	return err;
}

int session_start(struct session *s)
{
	const struct options *o = s->options;
	struct forcepoll_state state = {};
	bool load = !module_loaded();
	int err;

	/* Written down before it is done: whoever cleans up must know. */
	err = pins_write_state(&s->pins, load, o->background);
	if (!err && !pins_state(&s->pins, &state))
		s->loaded = state.flags & FORCEPOLL_STATE_LOADED;
	if (!err && load)
		err = module_load(o->module, s->pins.lock);
	if (!err && !module_enabled())
		log_warn("nothing is polled: it is switched off, by "
			 "/sys/module/forcepoll/parameters/enabled");
	err = err ?: open_bpf(&s->bpf, &s->pins, o);
	if (!err)
		s->targets_id = pins_targets_id(&s->pins);
	return err ?: bind(s);
}

/* PIDs are looked up where the loader runs; rules are for the whole machine. */
static void warn_of_namespace(const struct options *o)
{
	if (machine_is_pid_namespace() &&
	    (o->cgroups.n || o->comms.n || o->exes.n))
		log_warn("in a PID namespace: processes outside of it that run "
			 "already are not found, only those that come");
}

int session_choose(struct session *s)
{
	const struct options *o = s->options;
	int err = set_parameters(s);

	if (!err && s->pins.found)
		err = select_keep(&s->selection, s->bpf);
	err = err ?: select_rules(&s->selection, o, s->bpf);
	if (!err) /* as it is now: to start may take long */
		select_cgroups_again(&s->selection, o, s->bpf);
	err = err ?: select_seed(&s->selection, o, s->bpf);
	if (err)
		return err;
	step("seed");
	warn_of_namespace(o);
	return 0;
}

int session_decide(struct session *s)
{
	const char *policy = s->options->policy;

	return policy ? policy_load(&s->pins, policy) : 0;
}

void session_abort(struct session *s)
{
	const __u32 was = s->before.flags;

	if (!s->running) {
		if (s->pins.found)
			log_warn("what was left in %s was not bound: removed",
				 s->pins.dir);
		session_undo(s);
		return;
	}
	select_undo(&s->selection, s->bpf);
	if (!s->counted)
		pins_remove_counters(&s->pins);
	reset_parameters(s);
	pins_write_state(&s->pins, was & FORCEPOLL_STATE_LOADED,
			 was & FORCEPOLL_STATE_BACKGROUND);
	log_warn("what was left in %s is still there", s->pins.dir);
}

static int release(__u32 targets_id)
{
	struct forcepoll_stats stats = {};
	struct control control;
	int err = control_open(&control, -1, -1);

	if (err)
		return err;
	/* These two are where they were in any version. */
	err = control_stats_of_any(&control, &stats);
	if (!err && bound_to(&stats, targets_id)) {
		err = control_release(&control);
		if (!err)
			step("release");
	}
	control_close(&control);
	return err;
}

/*
 * In the order that leaves no polling without its bookkeeping. The module goes when
 * forcepoll brought it, and when nobody else uses it; the state, which says whether it
 * did, after it. The directory goes last: others wait for that.
 */
int session_undo(const struct session *s)
{
	const bool gone = pins_gone(&s->pins);
	struct forcepoll_state state = {};
	__u32 targets_id = s->targets_id;
	int err = 0, e;

	if (!gone) {
		pins_state(&s->pins, &state);
		targets_id = targets_id ?: pins_targets_id(&s->pins);
	}
	if (module_used()) /* one whose BTF is refused cannot be asked */
		err = release(targets_id);
	if (!gone) {
		e = pins_remove(&s->pins);
		err = err ?: e;
	}
	if (!err && (s->loaded || state.flags & FORCEPOLL_STATE_LOADED) &&
	    module_loaded()) {
		e = module_unload();
		if (e == -EWOULDBLOCK)
			log_warn("module forcepoll stays loaded, as something "
				 "else uses it");
		else if (e)
			err = log_error(e, "unload module forcepoll: %s",
					strerror(-e));
	}
	if (!err && !gone) /* or stop can be tried again */
		err = pins_rmdir(&s->pins);
	return err;
}

void session_close(struct session *s)
{
	targets_bpf__destroy(s->bpf);
	s->bpf = NULL;
	pins_unlock(&s->pins);
	select_free(&s->selection, s->options);
	s->selection = (struct selection){};
}
