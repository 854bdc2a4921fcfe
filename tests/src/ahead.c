// SPDX-License-Identifier: GPL-2.0
/* ahead FILE: has the kernel read 64 pages ahead, says so, and computes for ever. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int fd = open(argv[argc - 1], O_RDONLY);
	if (posix_fadvise(fd, 0, 4096 * 64, POSIX_FADV_WILLNEED))
		return 1;
	puts("in flight");
	fflush(stdout);
	for (;;)
		;
}
