// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "ksyms.h"
#include "log.h"
#include "machine.h"
#include "printable.h"
#include "stacks.h"
#include "switches.h"
#include "switches.skel.h"

struct stack_count {
	struct forcepoll_path path;
	__u64 count;
};

void stacks_open(struct stacks *s, const struct switches *switches,
		 const struct ksyms *ksyms, bool user)
{
	*s = (struct stacks){ .switches = switches,
			      .ksyms = ksyms,
			      .user = user };
}

void stacks_close(struct stacks *s)
{
	usyms_free(&s->usyms);
	free(s->counts);
}

static void learn(struct stacks *s, double time)
{
	int fd = bpf_map__fd(s->switches->bpf->maps.paths);
	struct forcepoll_path path, *last = NULL;

	if (machine_is_pid_namespace())
		return; /* whose numbers are others' in its /proc */
	while (!bpf_map_get_next_key(fd, last, &path)) {
		if (path.tgid)
			usyms_learn(&s->usyms, path.tgid, time);
		last = &path;
	}
}

void stacks_learn(struct stacks *s)
{
	double now = clock_now();

	if (now < s->learnt + 0.2)
		return;
	s->learnt = now;
	learn(s, now);
}

static int by_count(const void *a, const void *b)
{
	const struct stack_count *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

int stacks_read(struct stacks *s)
{
	int fd = bpf_map__fd(s->switches->bpf->maps.paths);
	struct forcepoll_path path, *last = NULL;

	if (s->user)
		learn(s, clock_now() + 1); /* each once more, however lately */
	s->counts = calloc(FORCEPOLL_MAX_PATHS, sizeof(*s->counts));
	if (!s->counts)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	while (s->n < FORCEPOLL_MAX_PATHS &&
	       !bpf_map_get_next_key(fd, last, &path)) {
		s->counts[s->n].path = path;
		printable(s->counts[s->n].path.comm,
			  sizeof(s->counts[s->n].path.comm));
		if (!bpf_map_lookup_elem(fd, &path, &s->counts[s->n].count))
			s->n++;
		last = &path;
	}
	qsort(s->counts, s->n, sizeof(*s->counts), by_count);
	return 0;
}

/* The frames of a stack, innermost first; how many. */
static int frames_of(const struct stacks *s, __u64 id, __u64 *frames)
{
	int n = 0;

	if (!id ||
	    bpf_map_lookup_elem(bpf_map__fd(s->switches->bpf->maps.stacks), &id,
				frames))
		return 0;
	while (n < FORCEPOLL_MAX_FRAMES && frames[n])
		n++;
	return n;
}

/*
 * The user's frames, innermost first, with the caller of a function that has no
 * frame of its own where it belongs.
 */
static int user_frames(const struct stacks *s, const struct forcepoll_path *p,
		       __u64 *frames)
{
	int n = frames_of(s, p->user_stack, frames);

	if (!n || !p->user_caller || n == FORCEPOLL_MAX_FRAMES ||
	    (n > 1 && frames[1] == p->user_caller))
		return n;
	memmove(frames + 2, frames + 1, (n - 1) * sizeof(*frames));
	frames[1] = p->user_caller;
	return n + 1;
}

/* All frames of a path as names, innermost first, handed to @use one by one. */
static void each_frame(const struct stacks *s, const struct forcepoll_path *p,
		       bool user, void (*use)(void *arg, const char *name),
		       void *arg)
{
	__u64 frames[FORCEPOLL_MAX_FRAMES];
	int n = user ? user_frames(s, p, frames) :
		       frames_of(s, p->kernel_stack, frames);
	const struct ksym *sym;
	char buf[256];

	for (int i = 0; i < n; i++) {
		/* A return address may be the first of the next function. */
		__u64 ip = frames[i] - (i > 0);

		if (user) {
			use(arg, usyms_name(&s->usyms, p->tgid, ip, buf,
					    sizeof(buf)));
			continue;
		}
		sym = ksyms_find(s->ksyms, ip);
		use(arg, sym ? sym->name : "[unknown]");
	}
}

static void print_frame(void *arg, const char *name)
{
	printf("%*s%.60s\n", *(int *)arg, "", name);
}

static void print_stack(const struct stacks *s, const struct stack_count *c)
{
	int indent = 16;

	printf("%11llu  %.16s\n", c->count, c->path.comm);
	each_frame(s, &c->path, false, print_frame, &indent);
	if (c->path.user_stack) {
		printf("%*s-- user:\n", indent, "");
		each_frame(s, &c->path, true, print_frame, &indent);
	}
}

void stacks_table(const struct stacks *s, const struct switches_sum *sum,
		  unsigned int most)
{
	char name[128];

	for (size_t i = 0; i < sum->n; i++) {
		__u32 cause = sum->causes[i].cause;
		unsigned int shown = 0;

		for (size_t k = 0; k < s->n && shown < most; k++) {
			if (s->counts[k].path.cause != cause)
				continue;
			if (!shown++)
				printf("\n%s %s\n", switches_title(cause),
				       switches_name(cause, name,
						     sizeof(name)));
			print_stack(s, &s->counts[k]);
		}
	}
	putchar('\n');
}

static void json_frame(void *arg, const char *name)
{
	json_string(arg, NULL, name);
}

static void json_stack(const struct stacks *s, struct json *j,
		       const struct stack_count *c)
{
	char name[128], comm[17] = "";

	memcpy(comm, c->path.comm, 16);
	json_object(j, NULL);
	json_string(j, "kind", switches_title(c->path.cause));
	json_string(j, "name",
		    switches_name(c->path.cause, name, sizeof(name)));
	json_string(j, "comm", comm);
	json_u64(j, "count", c->count);
	json_array(j, "kernel");
	each_frame(s, &c->path, false, json_frame, j);
	json_end(j);
	json_array(j, "user");
	each_frame(s, &c->path, true, json_frame, j);
	json_end(j);
	json_end(j);
}

void stacks_json(const struct stacks *s, struct json *j,
		 const struct switches_sum *sum, unsigned int most)
{
	json_array(j, "stacks");
	for (size_t i = 0; i < sum->n; i++) {
		unsigned int shown = 0;

		for (size_t k = 0; k < s->n && shown < most; k++) {
			if (s->counts[k].path.cause != sum->causes[i].cause)
				continue;
			json_stack(s, j, &s->counts[k]);
			shown++;
		}
	}
	json_end(j);
}

/* Names collected, to be written the other way round. */
struct fold {
	char *name[2 * FORCEPOLL_MAX_FRAMES];
	int n;
	const char *mark;
};

static void fold_frame(void *arg, const char *name)
{
	struct fold *f = arg;
	char *frame;

	/* ";" and " " have a meaning in the format. */
	if (asprintf(&frame, "%s%s", name, f->mark) < 0)
		return;
	for (char *c = frame; *c; c++)
		if (*c == ';')
			*c = ':';
	f->name[f->n++] = frame;
}

void stacks_fold(const struct stacks *s, FILE *out)
{
	char name[128], comm[16];
	const char *cause;

	for (size_t i = 0; i < s->n; i++) {
		const struct stack_count *c = &s->counts[i];
		struct fold f = { .mark = "_[k]" };

		each_frame(s, &c->path, false, fold_frame, &f);
		f.mark = "";
		each_frame(s, &c->path, true, fold_frame, &f);
		for (size_t k = 0; k < sizeof(comm); k++)
			comm[k] = c->path.comm[k] == ';' ? ':' :
							   c->path.comm[k];
		cause = switches_name(c->path.cause, name, sizeof(name));
		for (char *at = name; (at = strchr(at, ';')); at++)
			*at = ':';
		fprintf(out, "%.16s;%s %s", comm[0] ? comm : "?",
			switches_title(c->path.cause), cause);
		while (f.n) {
			fprintf(out, ";%s", f.name[--f.n]);
			free(f.name[f.n]);
		}
		fprintf(out, " %llu\n", c->count);
	}
}
