// SPDX-License-Identifier: GPL-2.0
/* attach OBJECT: all programs of a BPF object, until it is killed. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *prog;

	if (argc != 2)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(prog, object)
		if (!bpf_program__attach(prog))
			return 1;
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
