// SPDX-License-Identifier: GPL-2.0
/* From words to map entries: cgroups, PIDs and programs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "forcepoll.h"

#include "device.h"
#include "log.h"
#include "options.h"
#include "process.h"
#include "select.h"
#include "select_devices.h"
#include "steps.h"
#include "target_list.h"
#include "targets.skel.h"

#define PF_KTHREAD 0x00200000

/* A cgroup2 directory's inode number is the cgroup's id. */
static int check_cgroup(const char *path, __u64 *id)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) || statfs(path, &fs))
		return errno == ENOENT ?
			       log_error(-ENOENT, "%s: no such cgroup", path) :
			       log_error(-errno, "%s: %s", path,
					 strerror(errno));
	if (fs.f_type == CGROUP_SUPER_MAGIC)
		return log_error(-ENOTSUP,
				 "%s: a cgroup v1 directory: forcepoll needs "
				 "cgroup2",
				 path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return log_error(-ENOTDIR, "%s: not a cgroup2 directory", path);
	*id = st.st_ino;
	return 0;
}

static bool is_script(int file)
{
	char path[32], start[2] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	/* Nor may others keep us waiting, by a lease. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, start, sizeof(start)) < 0)
		start[0] = 0;
	close(fd);
	return start[0] == '#' && start[1] == '!';
}

static int check_exe(const char *path, int *fd)
{
	struct stat st;

	/* To open what is no file may do something, or wait. */
	*fd = open(path, O_PATH | O_CLOEXEC);
	if (*fd < 0)
		return log_error(-errno, "%s: %s", path, strerror(errno));
	if (fstat(*fd, &st) || !S_ISREG(st.st_mode))
		return log_error(-EINVAL, "%s: not a program", path);
	if (is_script(*fd))
		return log_error(-EINVAL,
				 "%s: a script, which its interpreter runs: "
				 "give --comm",
				 path);
	return 0;
}

int select_check(struct selection *s, const struct options *o)
{
	int err = 0;

	*s = (struct selection){
		.cgroups = calloc(o->cgroups.n + 1, sizeof(*s->cgroups)),
		.exes = calloc(o->exes.n + 1, sizeof(*s->exes)),
		.pids = calloc(o->pids.n + 1, sizeof(*s->pids)),
	};
	if (!s->cgroups || !s->exes || !s->pids)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < o->exes.n; i++)
		s->exes[i] = -1;
	s->target.max_bytes = o->max_bytes;
	s->target.flags = (o->devices.n ? FORCEPOLL_TARGET_DEVICES : 0) |
			  (o->observe ? FORCEPOLL_TARGET_OBSERVE : 0);

	for (size_t i = 0; i < o->cgroups.n && !err; i++)
		err = check_cgroup(o->cgroups.word[i], &s->cgroups[i]);
	for (size_t i = 0; i < o->exes.n && !err; i++)
		err = check_exe(o->exes.word[i], &s->exes[i]);
	return err;
}

void select_free(struct selection *s, const struct options *o)
{
	for (size_t i = 0; s->exes && i < o->exes.n; i++)
		if (s->exes[i] >= 0)
			close(s->exes[i]);
	free(s->cgroups);
	free(s->exes);
	select_free_devices(s);
	free(s->pids);
	free(s->before);
	free(s->kept);
}

/* Run an iterator to its end. */
static int iterate_over(const struct bpf_program *prog,
			union bpf_iter_link_info info)
{
	/*
	 * What is behind its last member must be 0 as well: LIBBPF_OPTS() leaves that
	 * to the optimizer.
	 */
	struct bpf_iter_attach_opts opts;
	struct bpf_link *link;
	int err = 0, fd;
	char buf[64];
	ssize_t n;

	memset(&opts, 0, sizeof(opts));
	opts.sz = sizeof(opts);
	opts.link_info = &info;
	opts.link_info_len = sizeof(info);
	link = bpf_program__attach_iter(prog, &opts);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		err = -errno;
	while (!err && (n = read(fd, buf, sizeof(buf)))) {
		if (n < 0 && errno != EAGAIN)
			err = -errno;
	}
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

/* Over tasks; for one thread if @tid is not 0. */
static int iterate(const struct bpf_program *prog, __u32 tid)
{
	return iterate_over(prog,
			    (union bpf_iter_link_info){ .task.tid = tid });
}

/*
 * The kernel looks the PID up in this process's PID namespace and tells the
 * number that the process has in the initial one; 0 when there is none alive.
 */
static int identify(const char *word, struct targets_bpf *bpf)
{
	int err;

	bpf->bss->identified_tgid = 0;
	err = iterate(bpf->progs.identify_task, strtoul(word, NULL, 10));
	return err == -ESRCH ? 0 : err;
}

static int check_pid(const char *word, struct targets_bpf *bpf,
		     struct process_id *id)
{
	char ns[64] = "";
	int err;

	err = identify(word, bpf);
	if (err)
		return log_error(err, "PID %s: %s", word, strerror(-err));
	if (!bpf->bss->identified_tgid) {
		if (readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1) < 0)
			ns[0] = 0;
		return log_error(-ESRCH,
				 "no such process: PID %s (in this namespace, "
				 "%s)",
				 word, ns);
	}
	if (bpf->bss->identified_flags & PF_KTHREAD)
		return log_error(-EINVAL,
				 "PID %s is a kernel thread: its I/O has no "
				 "waiter to poll",
				 word);
	id->tgid = bpf->bss->identified_tgid;
	id->start = bpf->bss->identified_start;
	if (id->tgid != strtoul(word, NULL, 10))
		log_verbose("PID %s is process %u in the initial namespace",
			    word, id->tgid);
	return 0;
}

int select_pids(struct selection *s, const struct options *o,
		struct targets_bpf *bpf)
{
	int err = 0;

	for (size_t i = 0; i < o->pids.n && !err; i++)
		err = check_pid(o->pids.word[i], bpf, &s->pids[i]);
	return err;
}

void select_configure(const struct options *o, struct targets_bpf *bpf)
{
	bpf->rodata->have_comms = o->comms.n;
	bpf->rodata->have_exes = o->exes.n;
	bpf_program__set_autoattach(bpf->progs.observe_all, false);
}

/* What is there now, before it is written to. */
static int note(struct selection *s, const struct bpf_map *map, const void *key)
{
	struct entry_before *more;

	more = reallocarray(s->before, s->nr_before + 1, sizeof(*more));
	if (!more)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	s->before = more;
	more += s->nr_before++;
	*more = (struct entry_before){ .map = bpf_map__fd(map) };
	memcpy(more->key, key, bpf_map__key_size(map));
	more->was = !bpf_map_lookup_elem(more->map, key, &more->value);
	return 0;
}

bool select_had(const struct selection *s, const struct bpf_map *map,
		const void *key)
{
	for (size_t i = 0; i < s->nr_before; i++)
		if (s->before[i].map == bpf_map__fd(map) &&
		    !memcmp(s->before[i].key, key, bpf_map__key_size(map)))
			return s->before[i].was;
	return false;
}

static void undo_entries(struct selection *s)
{
	while (s->nr_before) {
		const struct entry_before *e = &s->before[--s->nr_before];

		if (e->was) /* a process or cgroup that has gone stays so */
			bpf_map_update_elem(e->map, e->key, &e->value,
					    BPF_EXIST);
		else
			bpf_map_delete_elem(e->map, e->key);
	}
}

static int list_targets(struct targets_bpf *bpf, struct target_entry **all,
			__u32 *n)
{
	int err = target_list_read(bpf_map__fd(bpf->maps.targets), all, n);

	return err ? log_error(err, "map targets: %s", strerror(-err)) : 0;
}

int select_keep(struct selection *s, struct targets_bpf *bpf)
{
	return list_targets(bpf, &s->kept, &s->nr_kept);
}

/* Of those that were not there, one by hand stays; who has gone stays so. */
static void undo_targets(const struct selection *s, struct targets_bpf *bpf)
{
	const __u32 by = FORCEPOLL_TARGET_CGROUP | FORCEPOLL_TARGET_PID |
			 FORCEPOLL_TARGET_NAME;
	int fd = bpf_map__fd(bpf->maps.targets);
	struct target_entry *now;
	__u32 n;

	list_targets(bpf, &now, &n);
	for (__u32 i = 0; i < n; i++) {
		const struct target_entry *was;

		was = bsearch(&now[i], s->kept, s->nr_kept, sizeof(*was),
			      process_by_tgid);
		if (was && memcmp(was, &now[i], sizeof(*was)))
			bpf_map_update_elem(fd, &was->tgid, &was->target,
					    BPF_EXIST);
		else if (!was && now[i].target.flags & by)
			bpf_map_delete_elem(fd, &now[i].tgid);
	}
	free(now);
}

static int seed(struct targets_bpf *bpf)
{
	int err = iterate(bpf->progs.seed, 0);

	return err ? log_error(err, "running processes: %s", strerror(-err)) :
		     0;
}

void select_undo(struct selection *s, struct targets_bpf *bpf)
{
	undo_entries(s);
	if (!s->kept)
		return;
	undo_targets(s, bpf);
	seed(bpf); /* who has come meanwhile, by the rules that hold again */
}

/* After an update, which has ended with @err. */
static int updated(const struct bpf_map *map, int err, const char *what)
{
	if (err)
		return log_error(err, "%s: map %s: %s", what,
				 bpf_map__name(map),
				 err == -E2BIG ? "full" : strerror(-err));
	step("entry");
	return 0;
}

static int put(const struct bpf_map *map, const void *key, const void *value,
	       const char *what)
{
	int err = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);

	return updated(map, err, what);
}

/* The same, to be undone by select_undo(). */
static int put_noted(struct selection *s, struct bpf_map *map, const void *key,
		     const void *value, const char *what)
{
	int err = note(s, map, key);

	return err ?: put(map, key, value, what);
}

static int put_exe(struct selection *s, struct targets_bpf *bpf, int fd,
		   const char *path, const struct forcepoll_target *target)
{
	struct {
		__u32 fd, pad;
		struct forcepoll_exe exe;
	} id = { .fd = fd };
	/* A SYSCALL program's context is copied back to where it came from. */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &id,
		    .ctx_size_in = sizeof(id));
	int err;

	err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.identify_file),
				     &opts);
	err = err ?: (int)opts.retval;
	if (err)
		return log_error(err, "%s: %s", path, strerror(-err));
	return put_noted(s, bpf->maps.exes, &id.exe, target, path);
}

static int put_cgroup(const struct selection *s, const struct options *o,
		      struct targets_bpf *bpf, size_t i)
{
	struct forcepoll_target target = s->target;

	target.flags |= FORCEPOLL_TARGET_CGROUP;
	return put(bpf->maps.cgroups, &s->cgroups[i], &target,
		   o->cgroups.word[i]);
}

static int put_devices(struct selection *s, struct targets_bpf *bpf)
{
	int err = 0;

	for (int i = 0; i < s->nr_devices && !err; i++)
		err = note(s, bpf->maps.devices, &s->devices[i]->dev);
	return err ?: select_put_devices(s, bpf);
}

int select_rules(struct selection *s, const struct options *o,
		 struct targets_bpf *bpf)
{
	struct forcepoll_target target = s->target;
	int err = o->devices.n ? put_devices(s, bpf) : 0;

	for (size_t i = 0; i < o->cgroups.n && !err; i++) {
		err = note(s, bpf->maps.cgroups, &s->cgroups[i]);
		err = err ?: put_cgroup(s, o, bpf, i);
	}

	target.flags = s->target.flags | FORCEPOLL_TARGET_NAME;
	for (size_t i = 0; i < o->comms.n && !err; i++) {
		char comm[16] = "";

		memcpy(comm, o->comms.word[i], strlen(o->comms.word[i]));
		err = put_noted(s, bpf->maps.comms, comm, &target,
				o->comms.word[i]);
	}
	for (size_t i = 0; i < o->exes.n && !err; i++)
		err = put_exe(s, bpf, s->exes[i], o->exes.word[i], &target);
	return err;
}

/*
 * By a program, as that is told of the process and not only of its number. An entry made
 * after it exited would stay, and be another's.
 */
static int put_pid(struct targets_bpf *bpf, const char *word,
		   const struct process_id *id,
		   const struct forcepoll_target *target)
{
	int err;

	bpf->bss->identified_tgid = id->tgid;
	bpf->bss->identified_start = id->start;
	bpf->bss->given = *target;
	bpf->bss->given_err = -ESRCH;
	err = iterate(bpf->progs.give_task, strtoul(word, NULL, 10));
	if (err && err != -ESRCH) /* that is when there is no such thread */
		return log_error(err, "PID %s: %s", word, strerror(-err));
	err = bpf->bss->given_err;
	if (err == -ESRCH)
		return log_error(err, "PID %s has exited", word);
	return updated(bpf->maps.targets, err, word);
}

int select_seed(struct selection *s, const struct options *o,
		struct targets_bpf *bpf)
{
	struct forcepoll_target target = s->target;
	__u32 everybody = 0;
	int err = 0;

	target.flags = s->target.flags | FORCEPOLL_TARGET_PID |
		       FORCEPOLL_TARGET_GIVEN |
		       (o->follow ? FORCEPOLL_TARGET_FOLLOW : 0);
	for (size_t i = 0; i < o->pids.n && !err; i++) {
		err = note(s, bpf->maps.targets, &s->pids[i].tgid);
		err = err   ?:
			      put_pid(bpf, o->pids.word[i], &s->pids[i],
				      &target);
	}
	if (!err && o->all)
		err = put_noted(s, bpf->maps.targets, &everybody, &s->target,
				"--all");
	/* After the PIDs, whose children it looks for too. */
	err = err ?: seed(bpf);
	bpf->bss->seeding = 0;
	return err;
}

void select_cgroups_again(struct selection *s, const struct options *o,
			  struct targets_bpf *bpf)
{
	bool found = false;

	for (size_t i = 0; i < o->cgroups.n; i++) {
		struct statfs fs;
		struct stat st;

		if (stat(o->cgroups.word[i], &st) ||
		    st.st_ino == s->cgroups[i] ||
		    statfs(o->cgroups.word[i], &fs) ||
		    fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		/* From before there was a program at its removal. */
		bpf_map_delete_elem(bpf_map__fd(bpf->maps.cgroups),
				    &s->cgroups[i]);
		s->cgroups[i] = st.st_ino;
		if (note(s, bpf->maps.cgroups, &s->cgroups[i]) ||
		    put_cgroup(s, o, bpf, i)) {
			s->cgroups[i] = 0; /* it is tried again */
			continue;
		}
		log_info("%s was made again: found", o->cgroups.word[i]);
		found = true;
	}
	if (found)
		seed(bpf);
}

int select_observe(struct targets_bpf *bpf, bool observe)
{
	union bpf_iter_link_info info = {
		.map.map_fd = bpf_map__fd(bpf->maps.targets),
	};
	int err;

	bpf->bss->observe = observe;
	err = iterate_over(bpf->progs.observe_all, info);
	return err ? log_error(err, "map targets: %s", strerror(-err)) : 0;
}
