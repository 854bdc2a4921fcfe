// SPDX-License-Identifier: GPL-2.0
/*
 * enter syscalls|faults|naps|stacks|spin N: enters the kernel N times by the same
 * door, with "stacks" each time by another way there, or with "spin" stays outside
 * for N ms. enter reads N FILE: submits N reads of 512 bytes, stays outside until each
 * is done, and prints how many were seen to end there, as "steps N". Prints the mean
 * time of one, in ns: with tests/run --icount, that is in instructions. Then what
 * getrusage() says of this process: page faults, voluntary and involuntary context
 * switches.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void syscalls(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void faults(long n)
{
	long page = sysconf(_SC_PAGESIZE);
	volatile char *p = mmap(NULL, n * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise((void *)p, n * page, MADV_NOHUGEPAGE))
		exit(1);
	while (n--)
		p[n * page] = 1;
}

static void naps(long n)
{
	struct timespec t = { .tv_nsec = 1000 };

	while (n--)
		nanosleep(&t, NULL);
}

/*
 * Each bit of @way chooses one of two calls: as many stacks as numbers. The compiler
 * may not make one of the two, nor a jump of the last.
 */
static __attribute__((noipa)) void go(long way, int bits)
{
	if (!bits) {
		syscall(SYS_getppid);
	} else if (way & 1) {
		go(way >> 1, bits - 1);
		asm volatile("nop");
	} else {
		go(way >> 1, bits - 1);
		asm volatile("nop; nop");
	}
}

static void stacks(long n)
{
	while (n--)
		go(n, 16);
}

static void spin(long ms)
{
	double end = ns(CLOCK_MONOTONIC) + ms * 1e6;

	while (ns(CLOCK_MONOTONIC) < end)
		;
}

static const char *file;

/* The head of the ring that io_setup() maps: fs/aio.c has it as struct aio_ring. */
struct ring {
	unsigned int id, nr, head, tail;
};

static void reads(long n)
{
	static char buf[512] __attribute__((aligned(512)));
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = open(file, O_RDONLY | O_DIRECT),
		.aio_buf = (unsigned long)buf,
		.aio_nbytes = sizeof(buf),
	}, *one = &iocb;
	aio_context_t ring = 0;
	long i, steps = 0;

	if (syscall(SYS_io_setup, n, &ring)) {
		perror("io_setup");
		exit(1);
	}
	for (i = 0; i < n; i++) {
		int outside = 0;

		if (syscall(SYS_io_submit, ring, 1, &one) != 1) {
			perror(file);
			exit(1);
		}
		/* To look into the ring is not to call the kernel. */
		while (((volatile struct ring *)ring)->tail == i)
			outside = 1;
		steps += outside;
	}
	printf("steps %ld\n", steps);
}

int main(int argc, char **argv)
{
	long n = argc == 3 || argc == 4 ? atol(argv[2]) : 0;
	void (*door)(long n);
	struct rusage r;
	double start;

	if (n <= 0)
		return 2;
	file = argv[3]; /* or NULL, which open() refuses */
	door = !strcmp(argv[1], "syscalls") ? syscalls :
	       !strcmp(argv[1], "faults")   ? faults :
	       !strcmp(argv[1], "naps")	    ? naps :
	       !strcmp(argv[1], "stacks")   ? stacks :
	       !strcmp(argv[1], "reads")    ? reads :
					      spin;
	start = ns(CLOCK_MONOTONIC);
	door(n);
	start = ns(CLOCK_MONOTONIC) - start;
	getrusage(RUSAGE_SELF, &r);
	printf("%.0f %ld %ld %ld\n", start / n, r.ru_minflt + r.ru_majflt,
	       r.ru_nvcsw, r.ru_nivcsw);
	return 0;
}
