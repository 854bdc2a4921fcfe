// SPDX-License-Identifier: GPL-2.0
/*
 * fill MAP FIRST N     enters the keys FIRST, FIRST + 1... into a pinned map of
 *                      targets until it is full, N at most; prints how many
 * fill -d MAP FIRST N  deletes them; prints how many there were
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/forcepoll.h"

int main(int argc, char **argv)
{
	struct forcepoll_target target = {};
	int delete = argc == 5 && !strcmp(argv[1], "-d");
	char **arg = argv + 1 + delete;
	__u32 first, key;
	int fd, n, done = 0, err = 0;

	if (argc != 4 + delete)
		return 2;
	fd = bpf_obj_get(arg[0]);
	if (fd < 0) {
		perror(arg[0]);
		return 1;
	}
	first = strtoul(arg[1], NULL, 10);
	n = atoi(arg[2]);
	for (key = first; key < first + n && !err; key++) {
		err = delete ? bpf_map_delete_elem(fd, &key) :
			       bpf_map_update_elem(fd, &key, &target, 0);
		done += !err;
	}
	if (err && errno != E2BIG && errno != ENOENT)
		perror("map");
	printf("%d\n", done);
	return 0;
}
