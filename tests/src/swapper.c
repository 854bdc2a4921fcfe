// SPDX-License-Identifier: GPL-2.0
/* swapper MIB: fills that much memory, then reads it back in random order. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS (4096 / sizeof(uint64_t))

int main(int argc, char **argv)
{
	size_t pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 8;
	uint64_t *mem = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = 1;

	if (mem == MAP_FAILED)
		return perror("mmap"), 1;
	madvise(mem, pages * 4096, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages * WORDS; i++)
		mem[i] = i * 0x9e3779b97f4a7c15;
	for (size_t n = 0; n < pages; n++) {
		size_t page, i;

		at = at * 6364136223846793005 + 1442695040888963407;
		page = (at >> 33) % pages;
		for (i = page * WORDS; i < (page + 1) * WORDS; i++) {
			if (mem[i] != i * 0x9e3779b97f4a7c15) {
				printf("word %zu is %#lx\n", i, mem[i]);
				return 1;
			}
		}
	}
	return 0;
}
