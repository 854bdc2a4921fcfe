// SPDX-License-Identifier: GPL-2.0
/* Is forcepoll.ko in the kernel, and how it gets there and out again. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "module.h"
#include "steps.h"

extern char **environ;

bool module_loaded(void)
{
	return !access("/sys/module/forcepoll", F_OK);
}

/* Of what the module says in @path; 0 when it says nothing. */
static char first_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char first = 0;

	if (fd < 0)
		return 0;
	if (read(fd, &first, 1) != 1)
		first = 0;
	close(fd);
	return first;
}

bool module_live(void)
{
	return first_of("/sys/module/forcepoll/initstate") == 'l';
}

/* The kernel's errno is all there is; the text names the usual cause. */
static int refused(int err, const char *what)
{
	struct utsname uts;

	uname(&uts);
	switch (err) {
	case -ENOEXEC:
		return log_error(err, "%s: not a module for this kernel (%s)",
				 what, uts.release);
	case -EKEYREJECTED:
	case -ENOKEY:
	case -EBADMSG:
		return log_error(err,
				 "%s: signature refused: sign it for Secure "
				 "Boot, see forcepoll-loader doctor",
				 what);
	case -EPERM:
		return log_error(err,
				 "%s: the kernel forbids loading it (lockdown, "
				 "modules_disabled or capabilities)",
				 what);
	default:
		return log_error(err, "%s: cannot load: %s", what,
				 strerror(-err));
	}
}

static int load_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* nor a FIFO */
	int err = 0;

	if (fd < 0) {
		err = -errno;
		return log_error(err, "%s: %s", file, strerror(-err));
	}
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		err = refused(-errno, file);
	close(fd);
	return err;
}

/*
 * modprobe knows where modules are; its first line of complaint is ours. It goes on when
 * the loader is killed, and has the lock as well: nobody undoes what it is about to do.
 */
static int modprobe(int lock)
{
	char *argv[] = { "modprobe", "forcepoll", NULL };
	char said[256] = "";
	posix_spawn_file_actions_t actions;
	int fds[2], status, err;
	FILE *f;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return log_error(-errno, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	/* To its own number: it is not closed by exec. */
	posix_spawn_file_actions_adddup2(&actions, lock, lock);
	err = -posix_spawnp(&pid, "modprobe", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (err) {
		close(fds[0]);
		return log_error(err, "modprobe: %s", strerror(-err));
	}
	step("modprobe");
	f = fdopen(fds[0], "r");
	if (f) {
		if (!fgets(said, sizeof(said), f))
			said[0] = 0;
		fclose(f);
	}
	said[strcspn(said, "\n")] = 0;
	if (waitpid(pid, &status, 0) < 0)
		return log_error(-errno, "modprobe: %s", strerror(errno));
	if (status)
		return log_error(-ENOENT,
				 "module forcepoll cannot be loaded: %s (make "
				 "install, or give --module FILE)",
				 said[0] ? said : "modprobe failed");
	return 0;
}

int module_load(const char *file, int lock)
{
	int err = file ? load_file(file) : modprobe(lock);

	if (!err)
		step("load");
	return err;
}

#define PARAMETERS "/sys/module/forcepoll/parameters/"

int module_set(const char *name, const char *value)
{
	char path[128];
	int fd, err = 0;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err)
		return log_error(err, "%s = %s: %s", path, value,
				 strerror(-err));
	step("parameter");
	return 0;
}

int module_get(const char *name, char *value, size_t size)
{
	char path[128];
	int fd, err = 0;
	ssize_t n = 0;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, value, size - 1);
	if (fd < 0 || n < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err)
		return log_error(err, "%s: %s", path, strerror(-err));
	value[n] = 0;
	value[strcspn(value, "\n")] = 0;
	return 0;
}

bool module_used(void)
{
	char first = first_of("/sys/module/forcepoll/refcnt");

	return first && first != '0';
}

bool module_enabled(void)
{
	return first_of(PARAMETERS "enabled") != 'N';
}

/*
 * A program that called into the module lets it go some time after it is closed,
 * when grace periods have passed: try for as long as that may take.
 */
int module_unload(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < 500; i++) {
		if (!syscall(SYS_delete_module, "forcepoll", O_NONBLOCK)) {
			step("unload");
			return 0;
		}
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}
