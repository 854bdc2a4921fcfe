// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz MAP SECONDS SEED   writes and deletes entries of a pinned map of targets at
 *                         random, one by one and in batches, LEAST times at the
 *                         least; prints how many
 * fuzz -d MAP             deletes all that there are
 *
 * Most keys are of processes that may exist, some are 0, everybody.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../bpf/forcepoll.h"

#define BATCH 32
#define LEAST 1000

static __u64 state;

static __u32 any(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32;
}

/* Rather those that mean something. */
static __u32 key(void)
{
	switch (any() % 8) {
	case 0:
		return 0;
	case 1:
		return any() % 16 ? any() % 65536 : any();
	default:
		return any() % 4096;
	}
}

static struct forcepoll_target value(void)
{
	static const __u32 sizes[] = { 0, 1, 511, 4096, 16384, ~0u };
	struct forcepoll_target target = {
		.flags = any() % 2 ? any() : any() % 64,
		.max_bytes = any() % 2 ? any() : sizes[any() % 6],
	};

	return target;
}

/* No room, no such key, one that is there: all of these are answers. */
static int answered(int err)
{
	return !err || errno == E2BIG || errno == ENOENT || errno == EEXIST;
}

static int batch(int fd)
{
	struct forcepoll_target values[BATCH];
	__u32 keys[BATCH], n = any() % BATCH + 1;

	for (__u32 i = 0; i < n; i++) {
		keys[i] = key();
		values[i] = value();
	}
	if (any() % 2)
		return bpf_map_update_batch(fd, keys, values, &n, NULL);
	return bpf_map_delete_batch(fd, keys, &n, NULL);
}

static int clear(int fd)
{
	__u32 k;

	while (!bpf_map_get_next_key(fd, NULL, &k))
		if (bpf_map_delete_elem(fd, &k) && errno != ENOENT)
			return -1;
	return errno == ENOENT ? 0 : -1;
}

static int change(int fd)
{
	static const __u64 how[] = { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
	struct forcepoll_target target = value();
	__u32 k = key();

	if (any() % 20000 == 0)
		return clear(fd);
	switch (any() % 8) {
	case 0:
		return batch(fd);
	case 1:
	case 2:
		return bpf_map_delete_elem(fd, &k);
	case 3:
		return bpf_map_lookup_and_delete_elem(fd, &k, &target);
	default:
		return bpf_map_update_elem(fd, &k, &target, how[any() % 3]);
	}
}

int main(int argc, char **argv)
{
	int delete = argc == 3 && !strcmp(argv[1], "-d");
	unsigned long n = 0;
	time_t end;
	int fd;

	if (argc != 4 && !delete)
		return 2;
	fd = bpf_obj_get(argv[1 + delete]);
	if (fd < 0) {
		perror(argv[1 + delete]);
		return 1;
	}
	if (delete)
		return clear(fd) ? 1 : 0;
	end = time(NULL) + atoi(argv[2]);
	state = strtoull(argv[3], NULL, 10);
	for (; time(NULL) < end || n < LEAST; n++) {
		if (!answered(change(fd))) {
			perror("map");
			return 1;
		}
	}
	printf("%lu\n", n);
	return 0;
}
