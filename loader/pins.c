// SPDX-License-Identifier: GPL-2.0
/*
 * What stays when the loader does not: maps and links in bpffs. The directory
 * itself is locked with flock(), which ends with the process, however it ends.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "forcepoll.h"

#include "log.h"
#include "pins.h"
#include "steps.h"
#include "targets.skel.h"

/* Every name that forcepoll pins; a link has its program's, but for the policy's. */
static const struct {
	const char *name;
	__u32 type; /* enum bpf_map_type; 0: a link */
	__u32 key_size, value_size;
} known[] = {
	{ "targets", BPF_MAP_TYPE_HASH, 4, sizeof(struct forcepoll_target) },
	{ "devices", BPF_MAP_TYPE_HASH, 4, 4 },
	{ "cgroups", BPF_MAP_TYPE_HASH, 8, sizeof(struct forcepoll_target) },
	{ "comms", BPF_MAP_TYPE_HASH, 16, sizeof(struct forcepoll_target) },
	{ "exes", BPF_MAP_TYPE_HASH, sizeof(struct forcepoll_exe),
	  sizeof(struct forcepoll_target) },
	{ "events", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 },
	{ "state", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct forcepoll_state) },
	{ "switches", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 },
	{ "beside", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 },
	{ "next", 0, 0, 0 }, /* what is to be in the place of another */
	{ "on_fork", 0, 0, 0 },
	{ "on_exec", 0, 0, 0 },
	{ "on_exit", 0, 0, 0 },
	{ "on_attach", 0, 0, 0 },
	{ "on_rmdir", 0, 0, 0 },
	{ "policy", 0, 0, 0 },
};

#define NR_KNOWN (sizeof(known) / sizeof(known[0]))

static int path_of(const struct pins *pins, const char *name, char *path)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", pins->dir, name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int on_bpffs(const char *dir)
{
	struct statfs fs;
	char copy[PATH_MAX];
	int err;

	if (statfs(dir, &fs) == 0)
		return fs.f_type == BPF_FS_MAGIC ? 0 : -ENOTSUP;
	if (errno != ENOENT)
		return -errno;
	snprintf(copy, sizeof(copy), "%s", dir);
	err = statfs(dirname(copy), &fs) ? -errno : 0;
	return err ?: fs.f_type == BPF_FS_MAGIC ? 0 : -ENOTSUP;
}

/* -EEXIST: the name is taken by something that is not forcepoll's. */
static int check_pin(const struct pins *pins, const char *name)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd, err;

	for (size_t i = 0; i < NR_KNOWN; i++) {
		if (strcmp(known[i].name, name))
			continue;
		if (!known[i].type)
			return 0;
		fd = pins_map(pins, name);
		if (fd < 0) /* gone since it was listed: not in the way */
			return fd == -ENOENT ? 0 : fd;
		err = bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
		return err || info.type != known[i].type ||
				       info.key_size != known[i].key_size ||
				       info.value_size != known[i].value_size ?
			       -EEXIST :
			       0;
	}
	return -EEXIST;
}

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * Where bpf is mounted, everybody may make directories, and links to others. Who owns
 * one, or may write to it, could end what the pins in there keep, or show root others'
 * maps; who may open it could hold its lock.
 */
static int check_owner(const char *dir, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return log_error(-errno, "%s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid())
		return log_error(-EPERM,
				 "%s: not root's: give another --pin-dir", dir);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return log_error(-EPERM,
				 "%s: not root's alone: chmod 700 it, or give "
				 "another --pin-dir",
				 dir);
	return 0;
}

int pins_check(struct pins *pins, const char *dir)
{
	struct dirent *entry;
	int err, fd;
	DIR *d;

	pins->dir = dir;
	pins->found = false;
	err = on_bpffs(dir);
	if (err == -ENOTSUP)
		return log_error(err,
				 "%s: not on a bpf file system (mount -t bpf "
				 "bpf /sys/fs/bpf)",
				 dir);
	if (err)
		return log_error(err, "%s: %s", dir, strerror(-err));

	fd = open_dir(dir);
	if (fd < 0)
		return fd == -ENOENT ?
			       0 :
			       log_error(fd, "%s: %s", dir, strerror(-fd));
	err = check_owner(dir, fd);
	d = err ? NULL : fdopendir(fd);
	if (!d) {
		err = err ?: log_error(-errno, "%s: %s", dir, strerror(errno));
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		err = check_pin(pins, entry->d_name);
		if (err)
			log_error(err,
				  "%s/%s: not forcepoll's: give another "
				  "--pin-dir",
				  dir, entry->d_name);
		else
			pins->found = true;
	}
	closedir(d);
	return err;
}

/* A status looks whether it is held by holding it, for as long as that takes. */
static int take(int fd)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < 20; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		nanosleep(&pause, NULL);
	}
	return -errno;
}

/* Whoever has just held its lock may have removed it: -ENOENT. */
static int open_locked(const char *dir)
{
	int fd = open_dir(dir);
	struct stat now = {}, st = {};
	int err;

	if (fd < 0)
		return fd;
	err = take(fd);
	if (!err && (fstat(fd, &st) || lstat(dir, &now)))
		err = -errno;
	if (!err && (now.st_ino != st.st_ino || now.st_dev != st.st_dev))
		err = -ENOENT;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int say_held(const struct pins *pins)
{
	return log_error(-EBUSY,
			 "another forcepoll-loader is running (it holds %s)",
			 pins->dir);
}

int pins_lock(struct pins *pins)
{
	int fd, err;

	do {
		if (!mkdir(pins->dir, 0700))
			step("mkdir");
		else if (errno != EEXIST)
			return log_error(-errno, "%s: %s", pins->dir,
					 strerror(errno));
		fd = open_locked(pins->dir);
	} while (fd == -ENOENT);
	if (fd == -EWOULDBLOCK)
		return say_held(pins);
	if (fd < 0)
		return log_error(fd, "%s: %s", pins->dir, strerror(-fd));
	err = check_owner(pins->dir, fd);
	if (err) {
		close(fd);
		return err;
	}
	pins->lock = fd;
	step("lock");
	return 0;
}

bool pins_gone(const struct pins *pins)
{
	struct stat st;

	return pins->lock >= 0 && !fstat(pins->lock, &st) && !st.st_nlink;
}

void pins_unlock(struct pins *pins)
{
	if (pins->lock >= 0)
		close(pins->lock);
	pins->lock = -1;
}

bool pins_held(const struct pins *pins)
{
	int fd = open_dir(pins->dir);
	bool held;

	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

int pins_free(const struct pins *pins)
{
	return pins_held(pins) ? say_held(pins) : 0;
}

int pins_prepare(const struct pins *pins, struct targets_bpf *bpf)
{
	char path[PATH_MAX];
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, bpf->obj) {
		if (bpf_map__is_internal(map))
			continue; /* .rodata, .bss: each run's own */
		err = path_of(pins, bpf_map__name(map), path);
		if (!err)
			err = bpf_map__set_pin_path(map, path);
		if (err)
			return log_error(err, "%s: %s", path, strerror(-err));
	}
	return 0;
}

static int pin_link(const struct pins *pins, struct bpf_link *link,
		    const char *name)
{
	int err = pins_put(pins, name, bpf_link__fd(link));

	if (err)
		return log_error(err, "%s/%s: %s", pins->dir, name,
				 strerror(-err));
	return 0;
}

int pins_links(const struct pins *pins, struct targets_bpf *bpf)
{
	int err;

	err = pin_link(pins, bpf->links.on_fork, "on_fork");
	err = err ?: pin_link(pins, bpf->links.on_exec, "on_exec");
	err = err ?: pin_link(pins, bpf->links.on_exit, "on_exit");
	err = err ?: pin_link(pins, bpf->links.on_attach, "on_attach");
	err = err ?: pin_link(pins, bpf->links.on_rmdir, "on_rmdir");
	return err;
}

int pins_map(const struct pins *pins, const char *name)
{
	char path[PATH_MAX];
	int err = path_of(pins, name, path);
	int fd;

	if (err)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

bool pins_filled(const struct pins *pins, const char *name)
{
	int fd = pins_map(pins, name);
	char key[64]; /* more than any has */
	bool filled;

	if (fd < 0)
		return false;
	filled = !bpf_map_get_next_key(fd, NULL, key);
	close(fd);
	return filled;
}

int pins_put(const struct pins *pins, const char *name, int fd)
{
	char path[PATH_MAX], next[PATH_MAX];
	int err = path_of(pins, name, path);

	err = err ?: path_of(pins, "next", next);
	if (!err && unlink(next) && errno != ENOENT)
		err = -errno;
	if (!err && bpf_obj_pin(fd, next))
		err = -errno;
	if (err)
		return err;
	step("pin");
	if (rename(next, path)) {
		err = -errno;
		unlink(next);
		return err;
	}
	step("rename");
	return 0;
}

__u32 pins_targets_id(const struct pins *pins)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = pins_map(pins, "targets");

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

static int unpin(const struct pins *pins, const char *name)
{
	char path[PATH_MAX];
	int err = path_of(pins, name, path);

	if (!err && unlink(path))
		err = -errno;
	if (!err)
		step("unpin");
	else if (err != -ENOENT)
		return log_error(err, "%s/%s: %s", pins->dir, name,
				 strerror(-err));
	return 0;
}

bool pins_counted(const struct pins *pins)
{
	int fd = pins_map(pins, "switches");

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int pins_remove_counters(const struct pins *pins)
{
	int err = unpin(pins, "switches");

	return unpin(pins, "beside") ?: err;
}

int pins_remove(const struct pins *pins)
{
	int err = 0, e;

	for (size_t i = 0; i < NR_KNOWN; i++) {
		if (!strcmp(known[i].name, "state"))
			continue;
		e = unpin(pins, known[i].name);
		err = err ?: e;
	}
	return err;
}

int pins_rmdir(const struct pins *pins)
{
	int err = unpin(pins, "state");

	if (err)
		return err;
	if (!rmdir(pins->dir))
		step("rmdir");
	else if (errno != ENOENT && errno != ENOTEMPTY && errno != EBUSY)
		return log_error(-errno, "%s: %s", pins->dir, strerror(errno));
	return 0;
}

/* As bpf/targets.bpf.c declares it, whose loading takes over the pinned one. */
static int create_state(const struct pins *pins)
{
	int fd = pins_map(pins, "state");
	int err;

	if (fd != -ENOENT)
		return fd;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "state", sizeof(__u32),
			    sizeof(struct forcepoll_state), 1, NULL);
	if (fd < 0)
		return -errno;
	err = pins_put(pins, "state", fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int pins_write_state(const struct pins *pins, bool load, bool background)
{
	struct forcepoll_state state = {};
	int fd = create_state(pins);
	__u32 key = 0;
	int err = fd < 0 ? fd : 0;

	if (!err)
		err = bpf_map_lookup_elem(fd, &key, &state);
	if (!err) {
		if (!state.started)
			state.started = time(NULL);
		state.abi = FORCEPOLL_ABI;
		/* What an earlier run loaded stays its to unload. */
		state.flags &= FORCEPOLL_STATE_LOADED;
		state.flags |= (load ? FORCEPOLL_STATE_LOADED : 0) |
			       (background ? FORCEPOLL_STATE_BACKGROUND : 0);
		err = bpf_map_update_elem(fd, &key, &state, BPF_ANY);
	}
	if (fd >= 0)
		close(fd);
	if (err)
		return log_error(err, "%s/state: %s", pins->dir,
				 strerror(-err));
	step("state");
	return 0;
}

int pins_state(const struct pins *pins, struct forcepoll_state *state)
{
	int fd = pins_map(pins, "state");
	__u32 key = 0;
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_lookup_elem(fd, &key, state);
	close(fd);
	return err;
}
