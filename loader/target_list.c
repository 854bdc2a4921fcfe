// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "process.h"
#include "target_list.h"

/* In one go, which does not begin anew when one that was read is deleted. */
int target_list_read(int fd, struct target_entry **all, __u32 *n)
{
	const __u32 most = FORCEPOLL_MAX_TARGETS;
	struct forcepoll_target *targets = calloc(most, sizeof(*targets));
	__u32 *tgids = calloc(most, sizeof(*tgids)), position;
	int err = -ENOMEM;

	*n = most;
	*all = calloc(most, sizeof(**all));
	if (targets && tgids && *all)
		err = bpf_map_lookup_batch(fd, NULL, &position, tgids, targets,
					   n, NULL);
	if (err == -ENOENT) /* that was all */
		err = 0;
	if (!err) {
		for (__u32 i = 0; i < *n; i++)
			(*all)[i] =
				(struct target_entry){ tgids[i], targets[i] };
		*n = process_sort(*all, *n, sizeof(**all));
	} else {
		free(*all);
		*all = NULL;
		*n = 0;
	}
	free(targets);
	free(tgids);
	return err;
}
