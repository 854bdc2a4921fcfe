// SPDX-License-Identifier: GPL-2.0
/*
 * --policy: programs of the user's as a struct_ops of the module.
 *
 *   FILE -- libbpf: programs --> map of the struct --> link, pinned
 *
 * libbpf before 1.4 knows no struct_ops but the kernel's own. So it loads only the
 * programs, with what policy_prepare() adds; the map and the link are made here.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forcepoll.h"

#include "log.h"
#include "pins.h"
#include "policy.h"
#include "steps.h"

#define SECTION "forcepoll_policy/"
#define OPS "forcepoll_policy_ops"

/*
 * What <linux/bpf.h> may be too old for: 68b04864ca42 ("bpf: Create links for BPF
 * struct_ops maps", v6.4) and fcc2c1fb0651 ("bpf: pass attached BTF to the
 * bpf_struct_ops subsystem", v6.9).
 */
#define ATTACH_STRUCT_OPS ((enum bpf_attach_type)44) /* BPF_STRUCT_OPS */
#define MAP_LINK (1U << 13) /* BPF_F_LINK */
#define MAP_VTYPE_BTF_OBJ_FD (1U << 15) /* BPF_F_VTYPE_BTF_OBJ_FD */

/* Of union bpf_attr, for BPF_MAP_CREATE. */
struct map_create {
	__u32 map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 inner_map_fd;
	__u32 numa_node;
	char map_name[BPF_OBJ_NAME_LEN];
	__u32 map_ifindex;
	__u32 btf_fd;
	__u32 btf_key_type_id;
	__u32 btf_value_type_id;
	__u32 btf_vmlinux_value_type_id;
	__u64 map_extra;
	__s32 value_type_btf_obj_fd;
	__u32 pad;
};

/* The module's struct, as its BTF has it. */
struct ops {
	struct btf *vmlinux, *btf;
	int fd; /* of the module's BTF */
	__s32 id, value_id;
	__u32 size; /* of the value: what the kernel keeps, and the struct */
	__u32 data; /* where the struct is in it */
};

static int no_policies(void)
{
	return log_error(
		-EOPNOTSUPP,
		"--policy: this kernel lets no module have policies in "
		"BPF: Linux 6.9 and later do");
}

/* A descriptor of the BTF of module forcepoll, and its id. */
static int find_btf(__u32 *id)
{
	int err;

	*id = 0;
	while (!bpf_btf_get_next_id(*id, id)) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name,
					     .name_len = sizeof(name) };
		__u32 len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(*id);

		if (fd < 0)
			continue; /* just gone */
		err = bpf_obj_get_info_by_fd(fd, &info, &len);
		if (!err && info.kernel_btf && !strcmp(name, "forcepoll"))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static void ops_close(struct ops *ops)
{
	if (ops->fd >= 0)
		close(ops->fd);
	btf__free(ops->btf);
	btf__free(ops->vmlinux);
}

/* ops_close() in any case. */
static int ops_open(struct ops *ops)
{
	const struct btf_type *value;
	__u32 id;

	*ops = (struct ops){ .fd = find_btf(&id) };
	if (ops->fd < 0)
		return log_error(ops->fd, "BTF of module forcepoll: %s",
				 strerror(-ops->fd));
	ops->vmlinux = btf__load_vmlinux_btf();
	if (ops->vmlinux)
		ops->btf = btf__load_from_kernel_by_id_split(id, ops->vmlinux);
	if (!ops->btf)
		return log_error(-errno, "BTF of module forcepoll: %s",
				 strerror(errno));
	ops->id = btf__find_by_name_kind(ops->btf, OPS, BTF_KIND_STRUCT);
	ops->value_id = btf__find_by_name_kind(ops->btf, "bpf_struct_ops_" OPS,
					       BTF_KIND_STRUCT);
	if (ops->id < 0 || ops->value_id < 0)
		return no_policies();
	value = btf__type_by_id(ops->btf, ops->value_id);
	ops->size = value->size;
	ops->data = btf_member_bit_offset(value, btf_vlen(value) - 1) / 8;
	return 0;
}

/* The number of a member, and where it is in the value. */
static int ops_member(const struct ops *ops, const char *name, __u32 *offset)
{
	const struct btf_type *t = btf__type_by_id(ops->btf, ops->id);

	for (int i = 0; i < btf_vlen(t); i++) {
		__u32 bits = btf_member_bit_offset(t, i);

		if (strcmp(name, btf__name_by_offset(
					 ops->btf, btf_members(t)[i].name_off)))
			continue;
		*offset = ops->data + bits / 8;
		return i;
	}
	return -ENOENT;
}

/* "select", of "forcepoll_policy/select"; NULL: another kind of program. */
static const char *member_of(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);
	const size_t len = strlen(SECTION);

	return strncmp(section, SECTION, len) ? NULL : section + len;
}

/* Before libbpf loads a program: which member of which struct it is. */
static int policy_prepare(struct bpf_program *prog,
			  struct bpf_prog_load_opts *opts, long cookie)
{
	const struct ops *ops = (const struct ops *)cookie;
	__u32 offset;
	int member = ops_member(ops, member_of(prog), &offset);

	if (member < 0)
		return member;
	opts->attach_btf_obj_fd = ops->fd;
	opts->attach_btf_id = ops->id;
	opts->expected_attach_type = member;
	return 0;
}

/*
 * Once: to take it back and do it again is a double free in libbpf before 1.3, which
 * forgets what realloc(p, 0) does.
 */
static int handle_sections(struct ops *ops)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)ops,
		    .prog_prepare_load_fn = policy_prepare);

	return libbpf_register_prog_handler("forcepoll_policy+",
					    BPF_PROG_TYPE_STRUCT_OPS, 0, &opts);
}

static int refused(const char *file, int err, const char *why)
{
	char text[128];

	libbpf_strerror(err, text, sizeof(text));
	return log_error(err, "%s: %s: %s", file, why, text);
}

/* Programs that are no policy's are left out. */
static int check_programs(struct bpf_object *obj, const char *file)
{
	struct bpf_program *prog;
	bool select = false;

	bpf_object__for_each_program(prog, obj) {
		const char *member = member_of(prog);

		if (!member)
			bpf_program__set_autoload(prog, false);
		else if (!strcmp(member, "select"))
			select = true;
		else if (strcmp(member, "complete"))
			return log_error(-EINVAL,
					 "%s: policies have no program %s%s",
					 file, SECTION, member);
	}
	if (!select)
		return log_error(-EINVAL, "%s: has no program %sselect", file,
				 SECTION);
	if (!bpf_object__btf(obj))
		return log_error(-EINVAL, "%s: has no BTF (clang -g)", file);
	return 0;
}

static int open_file(struct bpf_object **obj, const char *file)
{
	int err;

	*obj = NULL;
	if (access(file, R_OK))
		return log_error(-errno, "%s: %s", file, strerror(errno));
	*obj = bpf_object__open_file(file, NULL);
	if (!*obj)
		return refused(file, -errno, "not a BPF object");
	err = check_programs(*obj, file);
	if (err)
		bpf_object__close(*obj);
	return err;
}

/* What every struct_ops of a module has in it. */
static int check_kernel(void)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	bool has;

	if (!vmlinux)
		return log_error(-errno, "BTF of the kernel: %s",
				 strerror(errno));
	has = btf__find_by_name_kind(vmlinux, "bpf_struct_ops_common_value",
				     BTF_KIND_STRUCT) > 0;
	btf__free(vmlinux);
	return has ? 0 : no_policies();
}

int policy_check(const char *file)
{
	struct bpf_object *obj;
	int err = open_file(&obj, file);

	if (err)
		return err;
	bpf_object__close(obj);
	return check_kernel();
}

/* The kernel wants the BTF of the programs, too, and keeps it. */
static int create_map(const struct ops *ops, const struct bpf_object *obj)
{
	struct map_create attr = {
		.map_type = BPF_MAP_TYPE_STRUCT_OPS,
		.key_size = sizeof(__u32),
		.value_size = ops->size,
		.max_entries = 1,
		.map_flags = MAP_LINK | MAP_VTYPE_BTF_OBJ_FD,
		.map_name = "policy",
		.btf_fd = bpf_object__btf_fd(obj),
		.btf_vmlinux_value_type_id = ops->value_id,
		.value_type_btf_obj_fd = ops->fd,
	};
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* By the file's, without what is behind a dot: the kernel takes 15 characters. */
static void put_name(char *name, const struct bpf_object *obj)
{
	snprintf(name, 16, "%s", bpf_object__name(obj));
	for (char *c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '_';
	if (!*name)
		strcpy(name, "policy");
}

/* The struct, with descriptors for its functions. */
static int fill_map(int map, const struct ops *ops,
		    const struct bpf_object *obj)
{
	char *value = calloc(1, ops->size);
	struct bpf_program *prog;
	__u32 offset, key = 0;
	int err = 0;

	if (!value)
		return -ENOMEM;
	bpf_object__for_each_program(prog, obj) {
		unsigned long fd = bpf_program__fd(prog);

		if (!member_of(prog))
			continue;
		err = ops_member(ops, member_of(prog), &offset);
		if (err < 0)
			goto out;
		memcpy(value + offset, &fd, sizeof(fd));
	}
	err = ops_member(ops, "name", &offset);
	if (err < 0)
		goto out;
	put_name(value + offset, obj);
	err = bpf_map_update_elem(map, &key, value, BPF_ANY);
out:
	free(value);
	return err;
}

/* From one moment to the next where there is one; a link may have been cut off. */
static int replace(const struct pins *pins, int map)
{
	int link = pins_map(pins, "policy");
	int err;

	if (link < 0)
		return link;
	err = bpf_link_update(link, map, NULL) ? -errno : 0;
	close(link);
	if (!err)
		step("policy");
	return err == -ENOLINK ? -ENOENT : err;
}

static int attach(const struct pins *pins, int map)
{
	int err = replace(pins, map);
	int link;

	if (err != -ENOENT)
		return err;
	link = bpf_link_create(map, 0, ATTACH_STRUCT_OPS, NULL);
	if (link < 0)
		return -errno;
	err = pins_put(pins, "policy", link);
	close(link);
	return err;
}

static int load(const struct pins *pins, const struct ops *ops,
		struct bpf_object *obj, const char *file)
{
	int map, err;

	err = bpf_object__load(obj);
	if (err == -524) /* ENOTSUPP, which only the kernel knows */
		return no_policies();
	if (err)
		return refused(file, err,
			       "the kernel refuses it (-vv shows why)");
	map = create_map(ops, obj);
	if (map == -524)
		return no_policies();
	err = map < 0 ? map : fill_map(map, ops, obj);
	err = err ?: attach(pins, map);
	if (map >= 0)
		close(map);
	if (err == -EBUSY)
		return log_error(err, "%s: another policy is loaded", file);
	return err ? refused(file, err, "cannot be made the policy") : 0;
}

int policy_load(const struct pins *pins, const char *file)
{
	static struct ops ops; /* as long as its handler */
	struct bpf_object *obj;
	int err;

	err = ops_open(&ops);
	if (err)
		goto out;
	err = handle_sections(&ops);
	if (err < 0) {
		refused(file, err, "libbpf");
		goto out;
	}
	err = open_file(&obj, file);
	if (!err) {
		err = load(pins, &ops, obj, file);
		bpf_object__close(obj);
	}
out:
	ops_close(&ops);
	return err;
}
