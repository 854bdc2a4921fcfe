// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of kinds that a shell cannot make.
 *
 *   proc threads N            a process of N more threads, until it is killed
 *   proc thread-exec CMD...   another thread than the first one calls exec
 *   proc into CGROUP CMD...   CMD in a child that is born in CGROUP
 *   proc storm N WIDTH        N short-lived children, WIDTH at a time
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static void *idle(void *arg)
{
	pause();
	return arg;
}

static void *call_exec(void *arg)
{
	char **argv = arg;

	execvp(argv[0], argv);
	exit(failed(argv[0]));
}

static int start(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, function, arg);
	return errno ? failed("pthread_create") : 0;
}

static int threads(int n)
{
	while (n-- > 0)
		if (start(idle, NULL))
			return 1;
	pause();
	return 0;
}

static int thread_exec(char **argv)
{
	if (start(call_exec, argv))
		return 1;
	pause();
	return 0;
}

static int into(const char *cgroup, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return failed(cgroup);
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(failed(argv[0]));
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : failed("waitpid");
}

static void *last(void *arg)
{
	usleep(1000);
	return arg;
}

/* Of every third child the first thread leaves first, of another both at once. */
static void short_life(int nr)
{
	usleep(nr * 7919LL % 5000);
	if (nr % 3 == 0 && !start(last, NULL))
		syscall(SYS_exit, 0);
	if (nr % 3 == 1)
		start(idle, NULL);
	_exit(0);
}

static int storm(int n, int width)
{
	int running = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return failed("fork");
		if (pid == 0)
			short_life(i);
		if (++running == width && wait(NULL) > 0)
			running--;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "threads"))
		return threads(atoi(argv[2]));
	if (argc >= 3 && !strcmp(argv[1], "thread-exec"))
		return thread_exec(argv + 2);
	if (argc >= 4 && !strcmp(argv[1], "into"))
		return into(argv[2], argv + 3);
	if (argc == 4 && !strcmp(argv[1], "storm"))
		return storm(atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "usage: see %s\n", __FILE__);
	return 2;
}
