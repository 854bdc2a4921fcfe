// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "disks.h"
#include "disks.skel.h"
#include "log.h"

/* What has changed sysfs tells. */
static int hear(void *context, void *data, size_t size)
{
	(void)context, (void)data, (void)size;
	return 0;
}

int disks_open(struct disks *d)
{
	int err = 0;

	d->bpf = disks_bpf__open_and_load();
	if (!d->bpf)
		err = -errno;
	err = err ?: disks_bpf__attach(d->bpf);
	if (!err) {
		d->news = ring_buffer__new(bpf_map__fd(d->bpf->maps.news), hear,
					   NULL, NULL);
		if (!d->news)
			err = -errno;
	}
	if (err)
		return log_error(err, "changes of disks: %s (-vv shows why)",
				 strerror(-err));
	return 0;
}

void disks_close(struct disks *d)
{
	ring_buffer__free(d->news);
	disks_bpf__destroy(d->bpf);
	*d = (struct disks){};
}

int disks_fd(const struct disks *d)
{
	return d->news ? ring_buffer__epoll_fd(d->news) : -1;
}

void disks_heard(struct disks *d)
{
	ring_buffer__consume(d->news);
}
