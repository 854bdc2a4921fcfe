// SPDX-License-Identifier: GPL-2.0
/*
 * beside N FILE: N direct reads of FILE, 4 KiB each, one after the other and 100 us of
 * computing between two, while on CPU 0 another thread has eight in flight by libaio.
 * Prints for how many of them it slept. With "chrt -R" the other one is ordinary.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096
#define DEPTH 8

static int fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *buffer(void)
{
	void *p = aligned_alloc(SIZE, SIZE);

	if (!p)
		die("aligned_alloc");
	return p;
}

static void submit(aio_context_t ctx, struct iocb *iocb)
{
	if (syscall(SYS_io_submit, ctx, 1, &iocb) != 1)
		die("io_submit");
}

static void *keep_in_flight(void *arg)
{
	struct iocb iocbs[DEPTH] = {};
	struct io_event event;
	aio_context_t ctx = 0;
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		die("sched_setaffinity");
	if (syscall(SYS_io_setup, DEPTH, &ctx))
		die("io_setup");
	for (int i = 0; i < DEPTH; i++) {
		iocbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_buf = (unsigned long)buffer();
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_offset = 2L * SIZE * i; /* apart: none merge */
		submit(ctx, &iocbs[i]);
	}
	pthread_barrier_wait(arg);
	for (;;) {
		if (syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) != 1)
			die("io_getevents");
		if (event.res != SIZE)
			die("read");
		submit(ctx, (struct iocb *)(unsigned long)event.obj);
	}
	return NULL;
}

static void compute(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec -
			 start.tv_nsec <
		 100 * 1000);
}

static long slept(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage))
		die("getrusage");
	return usage.ru_nvcsw;
}

int main(int argc, char **argv)
{
	pthread_barrier_t begun;
	pthread_t thread;
	long n, before;
	void *buf;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_DIRECT);
	if (fd < 0)
		die(argv[2]);
	buf = buffer();
	pthread_barrier_init(&begun, NULL, 2);
	errno = pthread_create(&thread, NULL, keep_in_flight, &begun);
	if (errno)
		die("pthread_create");
	pthread_barrier_wait(&begun);
	n = atol(argv[1]);
	before = slept();
	for (long i = 0; i < n; i++) {
		if (pread(fd, buf, SIZE, SIZE * (2L * DEPTH + i)) != SIZE)
			die("pread");
		compute();
	}
	printf("%ld\n", slept() - before);
	return 0;
}
