// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of kinds that a shell cannot make.
 *
 *   proc threads N            a process of N more threads, until it is killed
 *   proc thread-exec CMD...   another thread than the first one calls exec
 *   proc thread-exec-in CGROUP CMD...   likewise, after it has moved to that one
 *   proc into CGROUP CMD...   CMD in a child that is born in CGROUP
 *   proc as PID CMD...        CMD in a child of that number, which is free
 *   proc storm N WIDTH        N short-lived children, WIDTH at a time
 *   proc wrap TIMES WIDTH CG  children, of whom the last WIDTH live, until their numbers
 *                             have begun again TIMES times; every other one moves to
 *                             the cgroup CG. Says so, and waits to be killed
 *   proc bomb                 children who have children, and end where no room is left
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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

static const char *exec_in;

static int move(const char *cgroup)
{
	int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, "cgroup.threads", O_WRONLY | O_CLOEXEC);

	return write(fd, "0", 1) == 1 ? 0 : failed(cgroup);
}

static void *call_exec(void *arg)
{
	char **argv = arg;

	if (exec_in && move(exec_in))
		exit(1);
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

/* A child as @args have it, which is what @word says. */
static int run(struct clone_args args, const char *word, char **argv)
{
	long pid;

	args.exit_signal = SIGCHLD;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return failed(word);
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(failed(argv[0]));
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : failed("waitpid");
}

static int into(const char *cgroup, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.cgroup = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};

	return run(args, cgroup, argv);
}

static int as(const char *number, char **argv)
{
	pid_t pid = atoi(number);
	struct clone_args args = {
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return run(args, number, argv);
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

static void move_to(const char *cgroup)
{
	FILE *f = fopen(cgroup, "we");

	/* "0" is who writes it. */
	if (!f || fputs("0", f) < 0 || fclose(f))
		_exit(failed(cgroup));
}

/* One that moves is waited for: who is where is known when this ends. */
static pid_t child(const char *procs)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		if (procs)
			move_to(procs);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		close(ends[1]);
		pause();
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &byte, 1) != 1)
		return -1;
	close(ends[0]);
	return pid;
}

static int wrap(int times, int width, const char *cgroup)
{
	static pid_t *pids;
	pid_t before = 0, pid;
	char procs[4096];
	int n;

	pids = calloc(width, sizeof(*pids));
	if (!pids)
		return failed("calloc");
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
	for (n = 0; times > 0; n++) {
		pid_t *slot = &pids[n % width];

		if (*slot &&
		    (kill(*slot, SIGKILL) || waitpid(*slot, NULL, 0) < 0))
			return failed("the oldest child");
		pid = child(n % 2 ? procs : NULL);
		if (pid < 0)
			return failed("fork");
		times -= pid < before;
		before = *slot = pid;
	}
	printf("%d\n", n);
	fflush(stdout);
	pause();
	return 0;
}

static int bomb(void)
{
	pid_t first = getpid(), pid;
	unsigned char byte;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid = fork();
		if (pid >= 0)
			continue;
		usleep(100000);
		if (getpid() != first && getrandom(&byte, 1, 0) && byte < 64)
			_exit(0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "threads"))
		return threads(atoi(argv[2]));
	if (argc >= 3 && !strcmp(argv[1], "thread-exec"))
		return thread_exec(argv + 2);
	if (argc >= 4 && !strcmp(argv[1], "thread-exec-in")) {
		exec_in = argv[2];
		return thread_exec(argv + 3);
	}
	if (argc >= 4 && !strcmp(argv[1], "into"))
		return into(argv[2], argv + 3);
	if (argc >= 4 && !strcmp(argv[1], "as"))
		return as(argv[2], argv + 3);
	if (argc == 4 && !strcmp(argv[1], "storm"))
		return storm(atoi(argv[2]), atoi(argv[3]));
	if (argc == 5 && !strcmp(argv[1], "wrap"))
		return wrap(atoi(argv[2]), atoi(argv[3]), argv[4]);
	if (argc == 2 && !strcmp(argv[1], "bomb"))
		return bomb();
	fprintf(stderr, "usage: see %s\n", __FILE__);
	return 2;
}
