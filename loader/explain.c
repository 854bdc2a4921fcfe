// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "forcepoll.h"
#include "explanation.h"

#include "classes.h"
#include "explain.h"
#include "explain.skel.h"
#include "log.h"
#include "out.h"

static int hear(void *context, void *data, size_t size)
{
	const struct explanation *x = data;
	struct explain *e = context;
	char name[512];

	if (size < sizeof(*x))
		return 0;
	if (!out_takes(STDERR_FILENO, false)) {
		e->unread++;
		return 0;
	}
	classes_name(&x->key, name, sizeof(name));
	if (x->interrupt_ns && x->poll_ns)
		log_info("%s: %s -> %s, %s (interrupt %.1f us, poll %.1f us)",
			 name, classes_mode(x->from), classes_mode(x->to),
			 classes_reason(x->reason), x->interrupt_ns / 1e3,
			 x->poll_ns / 1e3);
	else
		log_info("%s: %s -> %s, %s", name, classes_mode(x->from),
			 classes_mode(x->to), classes_reason(x->reason));
	return 0;
}

int explain_open(struct explain *e)
{
	int err = 0;

	e->bpf = explain_bpf__open_and_load();
	if (!e->bpf)
		err = -errno;
	err = err ?: explain_bpf__attach(e->bpf);
	if (!err) {
		e->news = ring_buffer__new(bpf_map__fd(e->bpf->maps.news), hear,
					   e, NULL);
		if (!e->news)
			err = -errno;
	}
	if (err)
		return log_error(err, "--explain: %s (-vv shows why)",
				 strerror(-err));
	return 0;
}

void explain_close(struct explain *e)
{
	if (e->bpf && e->bpf->bss->lost + e->unread)
		log_warn("--explain has missed %llu changes",
			 e->bpf->bss->lost + e->unread);
	ring_buffer__free(e->news);
	explain_bpf__destroy(e->bpf);
	*e = (struct explain){};
}

int explain_fd(const struct explain *e)
{
	return e->news ? ring_buffer__epoll_fd(e->news) : -1;
}

void explain_heard(struct explain *e)
{
	ring_buffer__consume(e->news);
}
