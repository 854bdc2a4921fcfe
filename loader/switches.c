// SPDX-License-Identifier: GPL-2.0
/* Attaches what counts mode switches, as far as this kernel has it, and reads. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ksyms.h"
#include "log.h"
#include "printable.h"
#include "switches.h"
#include "switches.skel.h"
#include "syscalls.h"

/*
 * What a program needs of the kernel: a function it can be put on, or a
 * tracepoint's type. Sources of the same thing stand together, the best first:
 * the first one that can be attached is taken.
 */
struct source {
	const char *program;
	const char *what; /* what is missing without it; NULL: never said */
	const char *seen; /* as the output names it */
};

static const struct source sources[] = {
	{ "on_syscall", "system calls", "syscall_exit_to_user_mode_prepare" },
	{ "on_syscall_tp", "system calls", "raw_syscalls:sys_exit" },
	{ "on_fault", "page faults", "exceptions:page_fault_user" },
	{ "on_fault_sw", "page faults", "software event page-faults" },
	{ "on_major_sw", "page faults' I/O", "software event major-faults" },
	{ "on_irq", "device interrupts", "irq:irq_handler_entry" },
	{ "on_timer", "timer interrupts", "irq_vectors:local_timer" },
	{ "on_reschedule", "IPIs", "irq_vectors:reschedule" },
	{ "on_call_function", "IPIs", "irq_vectors:call_function" },
	{ "on_call_function_single", "IPIs",
	  "irq_vectors:call_function_single" },
	{ "on_irq_work", "IPIs", "irq_vectors:irq_work" },
	{ "on_nmi", "NMIs", "nmi:nmi_handler" },
	{ "on_exit_to_user", NULL, "exit_to_user_mode_prepare" },
	{ "on_switch", "context switches", NULL },
	{ "on_migrate", "moves to another CPU", NULL },
	{ "on_bio", "block I/Os", NULL },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static bool available(const struct btf *btf, const struct bpf_program *prog)
{
	const char *target = strchr(bpf_program__section_name(prog), '/');
	char name[128];

	if (!target++) /* a software event: every kernel has them */
		return true;
	if (bpf_program__expected_attach_type(prog) != BPF_TRACE_RAW_TP)
		return btf__find_by_name_kind(btf, target, BTF_KIND_FUNC) > 0;
	snprintf(name, sizeof(name), "btf_trace_%s", target);
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

static int choose(struct switches_bpf *bpf, const struct switches_options *o)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *prog;

	if (libbpf_get_error(btf))
		return log_error(-errno, "this kernel's BTF: %s",
				 strerror(errno));
	bpf_object__for_each_program(prog, bpf->obj)
		bpf_program__set_autoload(prog, available(btf, prog));
	if (o->software)
		bpf_program__set_autoload(bpf->progs.on_fault, false);
	if (o->kernel_stacks || o->user_stacks) /* it may be preempted */
		bpf_program__set_autoload(bpf->progs.on_syscall, false);
	btf__free(btf);
	return 0;
}

static void configure(struct switches_bpf *bpf,
		      const struct switches_options *o,
		      const struct ksyms *ksyms)
{
	static const char *const ipis[] = {
#define X(name, entry) "asm_sysvec_" entry,
		FORCEPOLL_IPIS(X)
#undef X
	};
	__u64 start, end;

	bpf->rodata->everybody = o->targets < 0;
	bpf->rodata->kernel_stacks = o->kernel_stacks;
	bpf->rodata->user_stacks = o->user_stacks;
	for (int i = 0; i < FORCEPOLL_NR_IPIS; i++) {
		ksyms_range(ksyms, ipis[i], &start, &end);
		bpf->rodata->ipi_text[i].start = start;
		bpf->rodata->ipi_text[i].end = end;
	}
	ksyms_range(ksyms, "asm_exc_nmi", &start, &end);
	bpf->rodata->nmi_text.start = start;
	bpf->rodata->nmi_text.end = end;
}

static bool has_word(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ' ') &&
		    (!at[length] || at[length] == ','))
			return true;
	return false;
}

static void append(char *list, size_t size, const char *word)
{
	size_t used = strlen(list);

	if (!has_word(list, word))
		snprintf(list + used, size - used, "%s%s", used ? ", " : "",
			 word);
}

/* On each CPU that is on: those that come later are not counted. */
static bool attach_event(struct switches *s, const struct bpf_program *prog,
			 __u64 config)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = config,
		.sample_period = 1,
	};
	int cpus = libbpf_num_possible_cpus(), fd;
	struct bpf_link *link;
	size_t before = s->nr_links;

	for (int cpu = 0; cpu < cpus; cpu++) {
		fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			     PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			continue;
		link = bpf_program__attach_perf_event(prog, fd);
		if (!link)
			close(fd);
		else
			s->links[s->nr_links++] = link;
	}
	return s->nr_links > before;
}

/* Links are in the skeleton, which destroys them, or in @s. */
static bool attach(struct switches *s, const char *program)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(s->bpf->obj, program);
	struct bpf_object_skeleton *skeleton = s->bpf->skeleton;

	if (!bpf_program__autoload(prog))
		return false;
	if (prog == s->bpf->progs.on_fault_sw)
		return attach_event(s, prog, PERF_COUNT_SW_PAGE_FAULTS);
	if (prog == s->bpf->progs.on_major_sw)
		return attach_event(s, prog, PERF_COUNT_SW_PAGE_FAULTS_MAJ);
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *p = &skeleton->progs[i];

		if (*p->prog != prog)
			continue;
		*p->link = bpf_program__attach(prog);
		if (!*p->link)
			log_verbose("%s: %s", program, strerror(errno));
		return *p->link;
	}
	return false;
}

/* Has the source before this one, of the same thing, been attached? */
static bool had(const struct source *source, const struct source *last)
{
	return last && source->what && last->what &&
	       !strcmp(source->what, last->what) &&
	       strcmp(source->what, "IPIs");
}

static int attach_all(struct switches *s)
{
	const struct source *last = NULL;

	s->links = calloc(2 * libbpf_num_possible_cpus(), sizeof(*s->links));
	if (!s->links)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source *source = &sources[i];

		if (had(source, last))
			continue;
		if (attach(s, source->program)) {
			last = source;
			if (source->seen)
				append(s->seen, sizeof(s->seen), source->seen);
		} else if (source->what && !(i + 1 < ARRAY_SIZE(sources) &&
					     had(source + 1, source))) {
			append(s->missing, sizeof(s->missing), source->what);
		}
	}
	s->exits = s->bpf->links.on_exit_to_user;
	if (!s->exits)
		append(s->missing, sizeof(s->missing), "other exceptions");
	return 0;
}

/* Counters of an earlier run are gone on with. */
static int pin(struct bpf_map *map, const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, bpf_map__name(map));
	return bpf_map__set_pin_path(map, path);
}

int switches_open(struct switches *s, const struct switches_options *o,
		  const struct ksyms *ksyms)
{
	int err;

	*s = (struct switches){ .bpf = switches_bpf__open() };
	if (!s->bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	err = choose(s->bpf, o);
	if (err)
		return err;
	configure(s->bpf, o, ksyms);
	if (o->targets >= 0)
		err = bpf_map__reuse_fd(s->bpf->maps.targets, o->targets);
	else
		err = bpf_map__set_max_entries(s->bpf->maps.targets, 1);
	if (!err && o->pin_dir) {
		err = pin(s->bpf->maps.switches, o->pin_dir);
		err = err ?: pin(s->bpf->maps.beside, o->pin_dir);
	}
	/* A map that is not used takes no memory to speak of. */
	if (!err && !o->kernel_stacks && !o->user_stacks) {
		err = bpf_map__set_max_entries(s->bpf->maps.paths, 1);
		err = err ?: bpf_map__set_max_entries(s->bpf->maps.stacks, 1);
	}
	err = err ?: switches_bpf__load(s->bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	err = attach_all(s);
	return err ? log_error(err, "attach: %s", strerror(-err)) : 0;
}

void switches_stop(struct switches *s)
{
	s->bpf->bss->off = true;
}

void switches_close(struct switches *s)
{
	for (size_t i = 0; i < s->nr_links; i++)
		bpf_link__destroy(s->links[i]);
	free(s->links);
	switches_bpf__destroy(s->bpf);
	*s = (struct switches){};
}

/* The values of all CPUs for a key, as one. */
static int sum_cpus(const struct bpf_map *map, const void *key, __u64 *sum)
{
	int cpus = libbpf_num_possible_cpus(), err;
	__u64 *values = calloc(cpus, sizeof(*values));

	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(bpf_map__fd(map), key, values);
	*sum = 0;
	for (int i = 0; i < cpus && !err; i++)
		*sum += values[i];
	free(values);
	return err;
}

static int by_count(const void *a, const void *b)
{
	const typeof(*((struct switches_sum *)0)->causes) *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static int read_causes(const struct switches *s, struct switches_sum *sum)
{
	__u64 count;
	int err;

	sum->causes = calloc(FORCEPOLL_NR_CAUSES, sizeof(*sum->causes));
	if (!sum->causes)
		return -ENOMEM;
	for (__u32 cause = 0; cause < FORCEPOLL_NR_CAUSES; cause++) {
		err = sum_cpus(s->bpf->maps.switches, &cause, &count);
		if (err)
			return err;
		if (!count)
			continue;
		sum->causes[sum->n].cause = cause;
		sum->causes[sum->n++].count = count;
	}
	qsort(sum->causes, sum->n, sizeof(*sum->causes), by_count);
	return 0;
}

/* Programs that were not run because they interrupted themselves. */
static __u64 missed(const struct switches *s)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	__u32 size;
	__u64 n = 0;

	bpf_object__for_each_program(prog, s->bpf->obj) {
		int fd = bpf_program__fd(prog);

		size = sizeof(info);
		memset(&info, 0, size);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			n += info.recursion_misses;
	}
	return n;
}

int switches_read(const struct switches *s, struct switches_sum *sum)
{
	int err;

	*sum = (struct switches_sum){};
	err = read_causes(s, sum);
	for (__u32 i = 0; i < FORCEPOLL_NR_BESIDES && !err; i++)
		err = sum_cpus(s->bpf->maps.beside, &i, &sum->beside[i]);
	if (err) {
		switches_free(sum);
		return log_error(err, "counters: %s", strerror(-err));
	}
	sum->beside[FORCEPOLL_BESIDE_lost_causes] += missed(s);
	return 0;
}

int switches_copy(struct switches_sum *to, const struct switches_sum *from)
{
	*to = *from;
	to->causes = calloc(FORCEPOLL_NR_CAUSES, sizeof(*to->causes));
	if (!to->causes)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	memcpy(to->causes, from->causes, from->n * sizeof(*to->causes));
	return 0;
}

void switches_free(struct switches_sum *sum)
{
	free(sum->causes);
	*sum = (struct switches_sum){};
}

void switches_since(struct switches_sum *sum, const struct switches_sum *before)
{
	for (size_t i = 0; i < sum->n; i++)
		for (size_t j = 0; j < before->n; j++)
			if (sum->causes[i].cause == before->causes[j].cause)
				sum->causes[i].count -= before->causes[j].count;
	for (int i = 0; i < FORCEPOLL_NR_BESIDES; i++)
		sum->beside[i] -= before->beside[i];
	qsort(sum->causes, sum->n, sizeof(*sum->causes), by_count);
}

static const struct {
	const char *title;
	__u32 first, many;
} kinds[] = {
#define X(name, title, first, many, id) { title, first, many },
	FORCEPOLL_KINDS(X)
#undef X
};

enum forcepoll_kind switches_kind(__u32 cause, __u32 *id)
{
	int kind = 0;

	while (cause - kinds[kind].first >= kinds[kind].many)
		kind++;
	*id = cause - kinds[kind].first;
	return kind;
}

static bool counted_twice(__u32 cause)
{
	__u32 id;

	return switches_kind(cause, &id) == FORCEPOLL_KIND_fault &&
	       id & FORCEPOLL_FAULT_IO;
}

__u64 switches_total(const struct switches_sum *sum)
{
	__u64 total = 0;

	for (size_t i = 0; i < sum->n; i++)
		if (!counted_twice(sum->causes[i].cause))
			total += sum->causes[i].count;
	return total;
}

const char *switches_title(__u32 cause)
{
	__u32 id;

	return kinds[switches_kind(cause, &id)].title;
}

/* "24 nvme0q1": the line, and who listens to it now. */
static void irq_name(__u32 line, char *buf, size_t size)
{
	char path[64], actions[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", line);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(actions, sizeof(actions), f))
			actions[0] = 0;
		fclose(f);
	}
	actions[strcspn(actions, "\n")] = 0;
	printable(actions, sizeof(actions));
	snprintf(buf, size, "%u %s", line, actions);
}

const char *switches_name(__u32 cause, char *buf, size_t size)
{
	static const char *const ipis[] = {
#define X(name, entry) #name,
		FORCEPOLL_IPIS(X)
#undef X
	};
	__u32 id;

	buf[0] = 0;
	switch (switches_kind(cause, &id)) {
	case FORCEPOLL_KIND_syscall:
		return syscall_name(id, buf, size);
	case FORCEPOLL_KIND_syscall32:
		return syscall_name_32(id, buf, size);
	case FORCEPOLL_KIND_fault:
		snprintf(buf, size, "%s%s",
			 id & FORCEPOLL_FAULT_WRITE ? "write" :
			 id & FORCEPOLL_FAULT_EXEC  ? "exec" :
						      "read",
			 id & FORCEPOLL_FAULT_IO ? ", waited for I/O" : "");
		break;
	case FORCEPOLL_KIND_irq:
		irq_name(id, buf, size);
		break;
	case FORCEPOLL_KIND_ipi:
		snprintf(buf, size, "%s",
			 id < ARRAY_SIZE(ipis) ? ipis[id] : "");
		break;
	default:
		break;
	}
	return buf;
}
