// SPDX-License-Identifier: GPL-2.0
/*
 * inflight END N FILE: has N direct reads of FILE in flight by libaio's system
 * calls, 4 KiB each and apart, that none merge, says so ("in flight" on stdout), then
 *
 *   reap     waits for all of them
 *   poll     looks for them without waiting, min_nr 0, until it has all
 *   user     reads the ring itself, and enters the kernel no more
 *   thread   has another thread wait for them
 *   fork     has a child that ends first, then waits for them
 *   timeout  waits for all, but 50 ms at the most, again and again; fails when one
 *            wait takes less than that without all, or more than 1 s
 *   signal   waits for all, and a signal comes after 50 ms, again and again; fails
 *            when one wait takes more than 1 s
 *   cancel   cancels what can be cancelled, and waits for the others
 *   destroy  destroys the context, which waits for them
 *   exit     ends
 *   exec     becomes "true"
 *   pause    sleeps until it is killed
 *   sleep    never reaps, and goes on after SIGUSR1 with "reap"
 *   ptrace   is stopped by ptrace, and goes on after SIGUSR1 with "reap"
 *
 * Status 0 when each read was whole, 3 when some failed ("N failed: REASON", that of
 * the last).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096

/* The ring that io_setup() maps: fs/aio.c has it as struct aio_ring. */
struct ring {
	unsigned int id, nr, head, tail, magic, features[2], header;
	struct io_event event[];
};

static aio_context_t ctx;
static struct iocb *iocbs;
static long n, failed;
static int reason;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void account(const struct io_event *e, long got)
{
	for (; got > 0; got--, e++)
		if (e->res != SIZE) {
			failed++;
			reason = e->res < 0 ? (int)-e->res : 0;
		}
}

static long get(long min, struct timespec *timeout)
{
	struct io_event *e = calloc(n, sizeof(*e));
	long got = syscall(SYS_io_getevents, ctx, min, n, e, timeout);

	if (got < 0 && errno != EINTR)
		die("io_getevents");
	account(e, got);
	free(e);
	return got < 0 ? 0 : got;
}

static void submit(const char *file)
{
	int fd = open(file, O_RDONLY | O_DIRECT);
	struct iocb **one = calloc(n, sizeof(*one));
	char *buf = aligned_alloc(SIZE, SIZE * n);
	long i, done;

	if (fd < 0)
		die(file);
	iocbs = calloc(n, sizeof(*iocbs));
	if (!one || !buf || !iocbs || syscall(SYS_io_setup, n, &ctx))
		die("io_setup");
	for (i = 0; i < n; i++) {
		iocbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_buf = (unsigned long)(buf + i * SIZE);
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_offset = 2 * i * SIZE;
		one[i] = &iocbs[i];
	}
	for (i = 0; i < n; i += done) {
		done = syscall(SYS_io_submit, ctx, n - i, one + i);
		if (done <= 0)
			die("io_submit");
	}
	free(one);
}

static void reap(void)
{
	long left = n;

	while (left)
		left -= get(left, NULL);
}

static void *reap_thread(void *arg)
{
	reap();
	return arg;
}

static void poll_all(void)
{
	long left = n;

	while (left)
		left -= get(0, NULL);
}

static void user(void)
{
	volatile struct ring *ring = (struct ring *)ctx;

	while (ring->tail < n) /* nobody reaps, so it does not wrap */
		;
	account((struct io_event *)ring->event, n);
}

static void wake(int sig)
{
	(void)sig;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void with_timeout(void)
{
	long left = n;

	while (left) {
		struct timespec t = { .tv_nsec = 50 * 1000 * 1000 };
		double start = now(), s;

		left -= get(left, &t);
		s = now() - start;
		if (s > 20 || (left && s < 0.05)) {
			printf("waited for %.3f s\n", s);
			exit(1);
		}
	}
}

/* EINTR, or what there is. */
static void with_signal(void)
{
	struct itimerval every = { { 0, 50000 }, { 0, 50000 } };
	struct sigaction act = { .sa_handler = wake }; /* no SA_RESTART */
	long left = n;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	while (left) {
		double start = now();

		left -= get(left, NULL);
		if (now() - start > 20) {
			printf("waited for %.3f s\n", now() - start);
			exit(1);
		}
	}
}

static void with_child(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	reap();
}

static void cancel(void)
{
	struct io_event e;
	long i, left = n;

	for (i = 0; i < n; i++)
		if (!syscall(SYS_io_cancel, ctx, &iocbs[i], &e))
			left--;
	while (left)
		left -= get(1, NULL);
}

static void go_on(const char *end)
{
	pthread_t thread;

	if (!strcmp(end, "reap"))
		reap();
	else if (!strcmp(end, "poll"))
		poll_all();
	else if (!strcmp(end, "user"))
		user();
	else if (!strcmp(end, "thread")) {
		if (pthread_create(&thread, NULL, reap_thread, NULL))
			die("thread");
		pthread_join(thread, NULL);
	} else if (!strcmp(end, "fork"))
		with_child();
	else if (!strcmp(end, "timeout"))
		with_timeout();
	else if (!strcmp(end, "signal"))
		with_signal();
	else if (!strcmp(end, "cancel"))
		cancel();
	else if (!strcmp(end, "destroy"))
		syscall(SYS_io_destroy, ctx);
	else if (!strcmp(end, "exit"))
		_exit(0);
	else if (!strcmp(end, "exec"))
		execlp("true", "true", NULL);
	else if (!strcmp(end, "pause"))
		pause();
	else if (!strcmp(end, "sleep")) {
		pause();
		reap();
	} else if (!strcmp(end, "ptrace"))
		reap();
	else
		exit(2);
}

/* @pid has stopped itself, traced by us. */
static int hold(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("waitpid");
	puts("in flight");
	fflush(stdout);
	pause();
	if (ptrace(PTRACE_DETACH, pid, 0, 0))
		die("ptrace");
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc != 4)
		return 2;
	n = atol(argv[2]);
	signal(SIGUSR1, wake);
	if (!strcmp(argv[1], "ptrace")) {
		pid = fork();
		if (pid)
			return hold(pid);
	}
	submit(argv[3]);
	if (!strcmp(argv[1], "ptrace")) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
			die("ptrace");
	} else {
		puts("in flight");
		fflush(stdout);
	}
	go_on(argv[1]);
	if (failed)
		printf("%ld failed: %s\n", failed,
		       reason ? strerror(reason) : "too short");
	return failed ? 3 : 0;
}
