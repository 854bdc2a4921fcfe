// SPDX-License-Identifier: GPL-2.0
/*
 * blocks WAY SIZE FILE FIRST COUNT [again]
 *
 * Reads or writes COUNT blocks of SIZE bytes of FILE, one after the other from the
 * block FIRST on, and tells what came of each: a line for all in a row that fared
 * alike, "direct 512: 3-7 Input/output error".
 *
 *   direct    by pread(), O_DIRECT
 *   aio       by libaio's system calls, O_DIRECT, 8 in flight
 *   buffered  by pread(), without read-ahead
 *   ahead     by pread(), with it
 *   mmap      through a mapping, without read-ahead
 *   around    through a mapping, with it
 *   write     by pwrite(), O_DIRECT
 *   awrite    as aio, but writes
 *   fsync     by pwrite(), then fsync()
 *
 * Each word is written as its place in the file tells, and must be read as that: what
 * is not is "wrong".
 *
 * With "again", all over again until one of them is not ok: for a file whose drive is
 * going to be taken away.
 *
 * Status 0 when each block is ok, 3 when one had an error, 4 when one is wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH 8
#define WORDS (size / sizeof(uint64_t))

/* What may come of a block, beside an errno or a length. */
enum { OK = 0, BUS = 100000, WRONG };

static const char *way, *file;
static long size, first, count;
static int fd, status;
static char *buf; /* DEPTH blocks */
static sigjmp_buf fault;

/* What fared alike so far. */
static long since;
static int alike;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void told(long end)
{
	if (end == since)
		return;
	printf("%s %ld: %ld-%ld ", way, size, since, end - 1);
	if (alike == OK)
		puts("ok");
	else if (alike == BUS)
		puts("SIGBUS");
	else if (alike == WRONG)
		puts("wrong");
	else if (alike < 0)
		printf("%d bytes\n", -alike - 1);
	else
		puts(strerror(alike));
}

static void outcome(long block, int what)
{
	if (what != alike) {
		told(block);
		since = block;
		alike = what;
	}
	if (what == WRONG)
		status = 4;
	else if (what != OK && !status)
		status = 3;
}

static uint64_t word(long block, size_t i)
{
	return ((uint64_t)block * WORDS + i + 1) * 0x9e3779b97f4a7c15;
}

static void fill(void *mem, long block, int right)
{
	uint64_t *at = mem;

	for (size_t i = 0; i < WORDS; i++)
		at[i] = right ? word(block, i) : ~word(block, i);
}

static int compare(const void *mem, long block)
{
	const uint64_t *at = mem;

	for (size_t i = 0; i < WORDS; i++)
		if (at[i] != word(block, i))
			return WRONG;
	return OK;
}

/* @res is what a system call returned, or 0 - errno. */
static int judge(long res, int reads, const void *mem, long block)
{
	if (res < 0)
		return -res;
	if (res != size)
		return -res - 1;
	return reads ? compare(mem, block) : OK;
}

static void one_by_one(int reads)
{
	for (long block = first; block < first + count; block++) {
		long res;

		fill(buf, block,
		     !reads); /* what is read must have been read now */
		res = reads ? pread(fd, buf, size, block * size) :
			      pwrite(fd, buf, size, block * size);
		outcome(block,
			judge(res < 0 ? -errno : res, reads, buf, block));
	}
}

static void several(int reads)
{
	struct iocb iocb[DEPTH] = {}, *one;
	struct io_event e[DEPTH];
	aio_context_t ctx = 0;
	int *all = calloc(count, sizeof(*all));
	long next = 0, done = 0, got;

	if (!all || syscall(SYS_io_setup, DEPTH, &ctx))
		die("io_setup");
	while (done < count) {
		for (; next < count && next - done < DEPTH; next++) {
			/* Slots are taken again in the order of their blocks. */
			char *mem = buf + next % DEPTH * size;

			one = &iocb[next % DEPTH];
			fill(mem, first + next, !reads);
			one->aio_data = next;
			one->aio_lio_opcode = reads ? IOCB_CMD_PREAD :
						      IOCB_CMD_PWRITE;
			one->aio_fildes = fd;
			one->aio_buf = (unsigned long)mem;
			one->aio_nbytes = size;
			one->aio_offset = (first + next) * size;
			got = syscall(SYS_io_submit, ctx, 1, &one);
			if (got != 1)
				die("io_submit");
		}
		/* All of them: one that is late keeps its slot. */
		got = syscall(SYS_io_getevents, ctx, next - done, DEPTH, e,
			      NULL);
		if (got != next - done)
			die("io_getevents");
		for (long i = 0; i < got; i++)
			all[e[i].data] = judge(e[i].res, reads,
					       buf + e[i].data % DEPTH * size,
					       first + e[i].data);
		done = next;
	}
	for (next = 0; next < count; next++)
		outcome(first + next, all[next]);
	free(all);
	syscall(SYS_io_destroy, ctx);
}

static void bus(int sig)
{
	(void)sig;
	siglongjmp(fault, 1);
}

static void mapped(int random)
{
	char *mem = mmap(NULL, count * size, PROT_READ, MAP_SHARED, fd,
			 first * size);
	struct sigaction act = { .sa_handler = bus };
	volatile long block;

	if (mem == MAP_FAILED)
		die("mmap");
	sigaction(SIGBUS, &act, NULL);
	madvise(mem, count * size, random ? MADV_RANDOM : MADV_NORMAL);
	for (block = first; block < first + count; block++) {
		if (sigsetjmp(fault, 1))
			outcome(block, BUS);
		else
			outcome(block,
				compare(mem + (block - first) * size, block));
	}
	munmap(mem, count * size);
}

/* All blocks, from the drive and not from memory. */
static void once(int direct, int writes)
{
	since = first;
	alike = OK;
	if (!direct &&
	    posix_fadvise(fd, first * size, count * size, POSIX_FADV_DONTNEED))
		die("posix_fadvise");
	if (!strcmp(way, "aio") || !strcmp(way, "awrite"))
		several(!writes);
	else if (!strcmp(way, "mmap") || !strcmp(way, "around"))
		mapped(!strcmp(way, "mmap"));
	else
		one_by_one(!writes);
}

int main(int argc, char **argv)
{
	int direct, writes, waits, again;

	if (argc != 6 && argc != 7)
		return 2;
	way = argv[1];
	size = atol(argv[2]);
	file = argv[3];
	first = atol(argv[4]);
	count = atol(argv[5]);
	again = argc == 7;
	buf = aligned_alloc(4096, (DEPTH * size + 4095) / 4096 * 4096);
	direct = strstr("direct aio write awrite", way) != NULL;
	waits = !strcmp(way, "fsync");
	writes = waits || !strcmp(way, "write") || !strcmp(way, "awrite");
	fd = open(file, (writes ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0));
	if (fd < 0 || !buf)
		die(file);
	if (!strcmp(way, "buffered") &&
	    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM))
		die("posix_fadvise");

	do
		once(direct, writes);
	while (again && !status);
	told(first + count);
	if (waits && fsync(fd)) {
		printf("fsync: %s\n", strerror(errno));
		status = 3;
	}
	return status;
}
