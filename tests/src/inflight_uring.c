// SPDX-License-Identifier: GPL-2.0
/*
 * inflight_uring END N FILE: as inflight, but by io_uring, a ring without IOPOLL:
 *
 *   reap     waits for all of them
 *   user     reads the ring itself, and enters the kernel no more
 *   share    has a child wait for them, on the same ring
 *   timeout  waits for all, but 50 ms at the most, again and again; fails when one
 *            wait takes less than that without all, or more than 1 s
 *   close    closes the ring, and sleeps until it is killed
 *   iopoll   of a ring with IOPOLL: never looks, and sleeps until it is killed
 *
 * Status 0 when each read was whole, 3 when some failed ("N failed").
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096

static struct io_uring ring;
static unsigned int n;
static int failed;

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static void submit(const char *file, unsigned int flags)
{
	int fd = open(file, O_RDONLY | O_DIRECT), err;
	char *buf = aligned_alloc(SIZE, SIZE * n);
	unsigned int i;

	if (fd < 0)
		die(file, -errno);
	err = io_uring_queue_init(n, &ring, flags);
	if (err || !buf)
		die("io_uring_queue_init", err);
	for (i = 0; i < n; i++)
		io_uring_prep_read(io_uring_get_sqe(&ring), fd, buf + i * SIZE,
				   SIZE, 2ull * i * SIZE);
	err = io_uring_submit(&ring);
	if (err != (int)n)
		die("io_uring_submit", err);
}

/* What is there, without the kernel. */
static unsigned int take(void)
{
	struct io_uring_cqe *cqe;
	unsigned int head, got = 0;

	io_uring_for_each_cqe(&ring, head, cqe)
	{
		failed += cqe->res != SIZE;
		got++;
	}
	io_uring_cq_advance(&ring, got);
	return got;
}

static void reap(void)
{
	struct io_uring_cqe *cqe;
	int err = io_uring_wait_cqe_nr(&ring, &cqe, n);

	if (err)
		die("io_uring_wait_cqe_nr", err);
	if (take() != n)
		die("fewer than asked for", 0);
}

static void share(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		reap();
		_exit(failed ? 3 : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		die("waitpid", -errno);
	failed = WEXITSTATUS(status) ? 1 : 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void with_timeout(void)
{
	unsigned int left = n;

	while (left) {
		struct __kernel_timespec t = { .tv_nsec = 50 * 1000 * 1000 };
		double start = now(), s;
		struct io_uring_cqe *cqe;
		int err = io_uring_wait_cqes(&ring, &cqe, left, &t, NULL);

		s = now() - start;
		if (err && err != -ETIME)
			die("io_uring_wait_cqes", err);
		if (s > 20 || (err && s < 0.05)) {
			printf("waited for %.3f s\n", s);
			exit(1);
		}
		left -= take();
	}
}

int main(int argc, char **argv)
{
	unsigned int left;

	if (argc != 4)
		return 2;
	n = left = strtoul(argv[2], NULL, 10);
	submit(argv[3], strcmp(argv[1], "iopoll") ? 0 : IORING_SETUP_IOPOLL);
	puts("in flight");
	fflush(stdout);
	if (!strcmp(argv[1], "reap"))
		reap();
	else if (!strcmp(argv[1], "user"))
		while (left)
			left -= take();
	else if (!strcmp(argv[1], "share"))
		share();
	else if (!strcmp(argv[1], "timeout"))
		with_timeout();
	else if (!strcmp(argv[1], "close")) {
		io_uring_queue_exit(&ring);
		pause();
	} else if (!strcmp(argv[1], "iopoll"))
		pause();
	else
		return 2;
	if (failed)
		printf("%d failed\n", failed);
	return failed ? 3 : 0;
}
