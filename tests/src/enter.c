// SPDX-License-Identifier: GPL-2.0
/*
 * enter syscalls|faults|naps|stacks|spin N: enters the kernel N times by the same
 * door, with "stacks" each time by another way there (when compiled with -O0), or
 * with "spin" stays outside for N ms. Prints the mean time of one, in ns: with
 * tests/run --icount, that is in instructions. Then what getrusage() says of this
 * process: page faults, voluntary and involuntary context switches.
 */
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

/* Each bit of @way chooses one of two calls: as many stacks as numbers. */
static void go(long way, int bits)
{
	if (!bits)
		syscall(SYS_getppid);
	else if (way & 1)
		go(way >> 1, bits - 1);
	else
		go(way >> 1, bits - 1);
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

int main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	void (*door)(long n);
	struct rusage r;
	double start;

	if (n <= 0)
		return 2;
	door = !strcmp(argv[1], "syscalls") ? syscalls :
	       !strcmp(argv[1], "faults")   ? faults :
	       !strcmp(argv[1], "naps")	    ? naps :
	       !strcmp(argv[1], "stacks")   ? stacks :
					      spin;
	start = ns(CLOCK_MONOTONIC);
	door(n);
	start = ns(CLOCK_MONOTONIC) - start;
	getrusage(RUSAGE_SELF, &r);
	printf("%.0f %ld %ld %ld\n", start / n, r.ru_minflt + r.ru_majflt,
	       r.ru_nvcsw, r.ru_nivcsw);
	return 0;
}
