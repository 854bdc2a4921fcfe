// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "log.h"
#include "session.h"

/* In a session of its own, so that Ctrl-C and a hang-up are not for it. */
static int watch(int fd, const struct session *s)
{
	sigset_t all;
	char c;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	return session_undo(s) ? 1 : 0;
}

int guard_start(struct guard *g, const struct session *s)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return log_error(-errno, "pipe: %s", strerror(errno));
	g->pid = fork();
	if (g->pid < 0) {
		err = -errno;
		g->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return log_error(err, "fork: %s", strerror(-err));
	}
	if (!g->pid) {
		close(fds[1]);
		_exit(watch(fds[0], s));
	}
	close(fds[0]);
	/* modprobe has it, too: to undo before that has ended would leave the module. */
	fcntl(fds[1], F_SETFD, 0);
	g->parent = fds[1];
	return 0;
}

int guard_end(struct guard *g, const struct session *s)
{
	bool gone;
	int status;

	if (!g->pid)
		return 0;
	/* What was in the directory it would have looked up there. */
	gone = pins_gone(&s->pins);
	close(g->parent);
	if (waitpid(g->pid, &status, 0) < 0)
		return log_error(-errno, "guard: %s", strerror(errno));
	g->pid = 0;
	if (WIFSIGNALED(status)) {
		log_warn("the process that undoes it was killed, by signal %d",
			 WTERMSIG(status));
		return session_undo(s);
	}
	if (gone)
		return session_undo(s);
	return status ? -EIO : 0; /* it said why */
}
