// SPDX-License-Identifier: GPL-2.0
/*
 * beside N FILE OTHER: N direct reads of FILE, 4 KiB each, one after the other and
 * 100 us of computing between two, while another thread, which sleeps, has 64 reads of
 * OTHER in flight by libaio. Prints how many of these are done in the end, few if OTHER is
 * slow enough. With "chrt -R" the other thread is ordinary.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096
#define DEPTH 64

static pthread_barrier_t begun;
static aio_context_t ctx;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_direct(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT);

	if (fd < 0)
		die(path);
	return fd;
}

static void *buffer(void)
{
	void *p = aligned_alloc(SIZE, SIZE);

	if (!p)
		die("aligned_alloc");
	return p;
}

static void *submit(void *path)
{
	struct iocb iocbs[DEPTH] = {}, *all[DEPTH];
	int fd = open_direct(path);

	for (int i = 0; i < DEPTH; i++) {
		all[i] = &iocbs[i];
		iocbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_buf = (unsigned long)buffer();
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_offset = 2L * SIZE * i; /* apart: none merge */
	}
	if (syscall(SYS_io_setup, DEPTH, &ctx) ||
	    syscall(SYS_io_submit, ctx, DEPTH, all) != DEPTH)
		die("libaio");
	pthread_barrier_wait(&begun);
	pause();
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

int main(int argc, char **argv)
{
	struct io_event events[DEPTH];
	struct timespec now = {};
	pthread_t thread;
	void *buf;
	int fd;

	if (argc != 4)
		return 2;
	fd = open_direct(argv[2]);
	buf = buffer();
	pthread_barrier_init(&begun, NULL, 2);
	errno = pthread_create(&thread, NULL, submit, argv[3]);
	if (errno)
		die("pthread_create");
	pthread_barrier_wait(&begun);
	for (long i = 0; i < atol(argv[1]); i++) {
		if (pread(fd, buf, SIZE, SIZE * i) != SIZE)
			die("pread");
		compute();
	}
	printf("%ld\n", syscall(SYS_io_getevents, ctx, 0, DEPTH, events, &now));
	return 0;
}
