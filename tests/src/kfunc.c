// SPDX-License-Identifier: GPL-2.0
/*
 * kfunc [-u|-w] OBJECT PROGRAM [TARGETS DEVICES]
 *
 * Runs one program of control.bpf.o, with these pinned maps for its own, and prints
 * what the kfunc has returned: OK or the name of an error. With -u as nobody, who
 * has the program of root: what the kernel asks of those who load one does not matter
 * then, only what the kfunc asks. With -w again and again for ten seconds, while another
 * thread writes to the memory that it fills: the program's variables are user space's too.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static int reuse(struct bpf_map *map, const char *path)
{
	int fd = bpf_obj_get(path), err;

	if (fd < 0)
		return -1;
	err = bpf_map__reuse_fd(map, fd); /* whose name it has from then on */
	close(fd);
	return err;
}

/* Not by setuid(): for a process with threads that is more than a call. */
static int drop(void)
{
	return syscall(SYS_setresuid, 65534, 65534, 65534);
}

static __u64 *words;
static size_t size;

/* Each a number that no array has so many of. */
static void *write_all(void *arg)
{
	for (;;)
		for (size_t i = 0; i < size / sizeof(*words); i++)
			__atomic_store_n(&words[i], 1ULL << 40,
					 __ATOMIC_RELAXED);
	return arg;
}

static int begin_writing(struct bpf_object *object)
{
	struct bpf_map *map;
	pthread_t thread;

	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), ".bss"))
			break;
	size = bpf_map__value_size(map);
	words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(map), 0);
	return words == MAP_FAILED ||
	       pthread_create(&thread, NULL, write_all, NULL);
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int as_nobody = argc > 1 && !strcmp(argv[1], "-u"), err;
	int written = argc > 1 && !strcmp(argv[1], "-w");
	char **arg = argv + 1 + as_nobody + written;
	struct bpf_program *prog, *wanted;
	struct bpf_map *targets, *devices;
	struct bpf_object *object;
	time_t end;
	int fds[2];

	argc -= as_nobody + written;
	if (argc != 3 && argc != 5)
		return 2;
	object = bpf_object__open_file(arg[0], NULL);
	if (!object)
		return failed(arg[0]);
	wanted = bpf_object__find_program_by_name(object, arg[1]);
	if (!wanted)
		return failed(arg[1]);
	bpf_object__for_each_program(prog, object)
		bpf_program__set_autoload(prog, prog == wanted);
	targets = bpf_object__find_map_by_name(object, "targets");
	devices = bpf_object__find_map_by_name(object, "devices");
	if (argc == 5 && reuse(targets, arg[2]))
		return failed(arg[2]);
	if (argc == 5 && reuse(devices, arg[3]))
		return failed(arg[3]);
	if (bpf_object__load(object))
		return failed("load");

	fds[0] = bpf_map__fd(targets);
	fds[1] = bpf_map__fd(devices);
	if (!strcmp(arg[1], "control_bind_fd")) {
		opts.ctx_in = fds;
		opts.ctx_size_in = sizeof(fds);
	}
	if (as_nobody && drop())
		return failed("setresuid");
	if (written && begin_writing(object))
		return failed("begin_writing");
	end = time(NULL) + 10;
	do
		err = bpf_prog_test_run_opts(bpf_program__fd(wanted), &opts);
	while (!err && !opts.retval && written && time(NULL) < end);
	if (err)
		return failed("run");
	err = -(int)opts.retval;
	puts(err ? strerrorname_np(err) ?: "?" : "OK");
	return 0;
}
