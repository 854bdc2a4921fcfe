// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "log.h"

/* Who ran sudo, or -errno, said. */
static int find_user(struct passwd **user)
{
	const char *uid = getenv("SUDO_UID");
	unsigned long number;
	char *end;

	if (!uid)
		return log_error(-EINVAL, "--user: not run by sudo, SUDO_UID "
					  "is not set");
	number = strtoul(uid, &end, 10);
	if (!isdigit(*uid) || *end || number >= UINT_MAX)
		return log_error(-EINVAL, "--user: SUDO_UID is '%s'", uid);
	*user = getpwuid(number);
	if (!*user)
		return log_error(-ENOENT, "--user: no user %s", uid);
	return 0;
}

/* In the child: never returns. */
static void wait_and_exec(int go, int failed, char **argv,
			  const struct passwd *user, const sigset_t *mask)
{
	char byte;
	int err;

	/* Nothing is written to it: it ends when we are watched, or alone. */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (user && (initgroups(user->pw_name, user->pw_gid) ||
		     setgid(user->pw_gid) || setuid(user->pw_uid)))
		goto err;
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
err:
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int command_start(struct command *c, char **argv, bool as_user,
		  const sigset_t *mask)
{
	struct passwd *user = NULL;
	int go[2], failed[2], err;

	if (as_user) {
		err = find_user(&user);
		if (err)
			return err;
	}
	if (pipe2(go, O_CLOEXEC))
		return log_error(-errno, "pipe: %s", strerror(errno));
	if (pipe2(failed, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return log_error(err, "pipe: %s", strerror(-err));
	}
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		wait_and_exec(go[0], failed[1], argv, user, mask);
	}
	err = -errno;
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	if (c->pid > 0)
		return 0;
	c->pid = 0;
	close(c->go);
	close(c->failed);
	return log_error(err, "fork: %s", strerror(-err));
}

int command_go(struct command *c, const char *name)
{
	int err = 0;

	if (write(c->go, "", 1) != 1)
		err = errno;
	close(c->go);
	c->go = -1;
	/* Closed by the exec: then there is nothing to read. */
	if (!err && read(c->failed, &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(c->failed);
	if (!err)
		return 0;
	command_ended(c, true);
	log_error(-err, "%s: %s", name, strerror(err));
	return err == ENOENT ? 127 : 126;
}

/* Of what a terminal sends it gets its own copy. */
void command_signal(const struct command *c, const siginfo_t *info)
{
	/* Whoever has its number when it has ended is another. */
	if (info->si_code <= 0 && !c->ended)
		kill(c->pid, info->si_signo);
}

bool command_ended(struct command *c, bool wait)
{
	int status;

	if (c->ended || waitpid(c->pid, &status, wait ? 0 : WNOHANG) <= 0)
		return c->ended;
	c->ended = true;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					  WEXITSTATUS(status);
	return true;
}

void command_close(struct command *c)
{
	if (!c->pid || c->go < 0)
		return;
	close(c->go);
	close(c->failed);
	command_ended(c, true);
}
