// SPDX-License-Identifier: GPL-2.0
/*
 * leased FILE: has it mapped to be executed, holds a lease on it that it does not give up,
 * says so, and makes system calls.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;

	if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			   0) == MAP_FAILED)
		return perror(argv[0]), 1;
	signal(SIGIO, SIG_IGN);
	if (fcntl(fd, F_SETLEASE, F_WRLCK))
		return perror("F_SETLEASE"), 1;
	puts("leased");
	fflush(stdout);
	for (;;)
		getppid();
}
