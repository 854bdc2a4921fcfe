// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/magic.h>

#include "device.h"
#include "doctor_checks.h"
#include "doctor_report.h"

#define CAP_SYS_ADMIN_BIT 21

void check_root(struct report *r)
{
	unsigned long long caps = 0;
	unsigned int count = 0;
	char line[256];

	if (geteuid()) {
		check(r, "root", WARN,
		      "not root: what only root may see is missing below");
		fix(r, "\tsudo forcepoll-loader doctor");
		return;
	}
	if (find_word("/proc/self/status", "CapEff", line, sizeof(line)))
		sscanf(line, "CapEff: %llx", &caps);
	device_read(line, sizeof(line), "/proc/self/uid_map");
	sscanf(line, "%*u %*u %u", &count);
	r->root = caps >> CAP_SYS_ADMIN_BIT & 1 && count == UINT_MAX;
	if (r->root) {
		check(r, "root", OK, "yes");
	} else {
		check(r, "root", FAIL,
		      "root of a container, not of the machine");
		fix(r, "Run it on the host. It can choose the processes of a "
		       "container by their cgroup.");
	}
}

static bool find_config(const struct report *r, char *path, size_t size)
{
	static const char *const paths[] = { "/proc/config.gz",
					     "/boot/config-%s",
					     "/lib/modules/%s/config" };
	unsigned int i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(path, size, paths[i], r->release);
		if (!access(path, R_OK))
			return true;
	}
	return false;
}

void check_kernel(struct report *r)
{
	static const char *const needed[] = {
		"CONFIG_MODULES",	 "CONFIG_BPF_SYSCALL",
		"CONFIG_BPF_JIT",	 "CONFIG_DEBUG_INFO_BTF",
		"CONFIG_DYNAMIC_FTRACE", "CONFIG_DEBUG_INFO_BTF_MODULES",
	};
	static const char *const replace[] = {
		"CONFIG_DYNAMIC_FTRACE_WITH_REGS",
		"CONFIG_DYNAMIC_FTRACE_WITH_ARGS",
	};
	const char *missing = NULL;
	char config[PATH_MAX], jit[8];
	struct utsname uts;
	int i, n = sizeof(needed) / sizeof(needed[0]), found;

	uname(&uts);
	if (strstr(uts.version, "PREEMPT_RT")) {
		check(r, "kernel", FAIL,
		      "%s is built with CONFIG_PREEMPT_RT: the module refuses it",
		      r->release);
		fix(r, "Boot a kernel without it.");
		return;
	}
	if (access("/sys/kernel/btf/vmlinux", F_OK))
		missing = "CONFIG_DEBUG_INFO_BTF";
	if (find_config(r, config, sizeof(config))) {
		found = find_words(config, needed, n, NULL, 0);
		for (i = 0; i < n && found >= 0 && !missing; i++)
			if (!(found & 1 << i))
				missing = needed[i];
		if (!missing && !find_words(config, replace, 2, NULL, 0))
			missing = replace[0];
	}
	if (missing) {
		check(r, "kernel", FAIL, "%s was built without %s", r->release,
		      missing);
		fix(r, "Boot a kernel that has it; those of the large "
		       "distributions do.");
		return;
	}
	check(r, "kernel", OK, "%s, with BTF", r->release);

	device_read(jit, sizeof(jit), "/proc/sys/net/core/bpf_jit_enable");
	if (!strcmp(jit, "0")) {
		check(r, "bpf", FAIL,
		      "BPF programs are not compiled, and only compiled "
		      "ones can call the module");
		fix(r, "\tsysctl net.core.bpf_jit_enable=1");
	}
}

/* What the module replaces. */
static const char *const hooks[] = { "submit_bio_noacct", "page_cache_sync_ra",
				     "page_cache_async_ra" };
#define NR_HOOKS ((int)(sizeof(hooks) / sizeof(hooks[0])))

static const char *tracing_dir(void)
{
	if (access("/sys/kernel/tracing/available_filter_functions", F_OK))
		return "/sys/kernel/debug/tracing";
	return "/sys/kernel/tracing";
}

/* Where it polls what is in flight together; each one it can do without. */
static void check_waits(struct report *r, const char *functions)
{
	static const char *const names[] = { "io_schedule",
					     "io_schedule_timeout",
					     "do_io_getevents",
					     "io_cqring_wait" };
	int found = find_words(functions, names, 4, NULL, 0);

	if (found < 0)
		return;
	if ((found & 3) != 3)
		check(r, "waits", WARN,
		      "io_schedule cannot be replaced: only what is alone in "
		      "flight is polled");
	if (!(found & 4))
		check(r, "waits", WARN, "libaio keeps its interrupts");
	if (!(found & 8))
		check(r, "waits", WARN,
		      "io_uring without IOPOLL keeps its interrupts: this "
		      "kernel has no function to wait in");
	if (found == 15)
		check(r, "waits", OK, "page cache, libaio and io_uring");
}

void check_ftrace(struct report *r)
{
	char path[PATH_MAX], enabled[8];
	int i, found;

	device_read(enabled, sizeof(enabled),
		    "/proc/sys/kernel/ftrace_enabled");
	if (!strcmp(enabled, "0")) {
		check(r, "ftrace", FAIL, "switched off");
		fix(r, "\tsysctl kernel.ftrace_enabled=1");
		return;
	}
	snprintf(path, sizeof(path), "%s/available_filter_functions",
		 tracing_dir());
	found = find_words(path, hooks, NR_HOOKS, NULL, 0);
	if (found < 0 && !enabled[0]) {
		check(r, "ftrace", FAIL, "this kernel has none");
		fix(r, "Boot a kernel with CONFIG_DYNAMIC_FTRACE; those of the "
		       "large distributions have it.");
		return;
	}
	if (found < 0) {
		check(r, "ftrace", r->root ? WARN : OK,
		      "on; whether submit_bio_noacct can be replaced cannot "
		      "be told%s",
		      r->root ? ": no tracefs" : " without root");
		if (r->root)
			fix(r,
			    "\tmount -t tracefs tracefs /sys/kernel/tracing");
		return;
	}
	for (i = 0; i < NR_HOOKS; i++) {
		if (found & 1 << i)
			continue;
		check(r, "ftrace", FAIL, "%s cannot be replaced in this kernel",
		      hooks[i]);
		fix(r, "Boot a kernel of a distribution; this one was built so "
		       "that ftrace does not know the function.");
		return;
	}
	check(r, "ftrace", OK, "on, and submit_bio_noacct can be replaced");
	check_waits(r, path);
}

/* A live patch of @function: /sys/kernel/livepatch/PATCH/vmlinux/FUNCTION,1 */
static bool find_livepatch(const char *function, char patch[NAME_MAX + 1])
{
	char path[PATH_MAX];

	return find_paths(path, sizeof(path),
			  "/sys/kernel/livepatch/*/vmlinux/%s,1", function) &&
	       sscanf(path, "/sys/kernel/livepatch/%255[^/]", patch) == 1;
}

/* Only one at a time can replace a function (IPMODIFY), and it may be us. */
void check_rival(struct report *r)
{
	char path[PATH_MAX], line[1024], patch[NAME_MAX + 1], *flags, *who;
	int i;

	snprintf(path, sizeof(path), "%s/enabled_functions", tracing_dir());
	for (i = 0; i < NR_HOOKS; i++) {
		if (find_livepatch(hooks[i], patch)) {
			check(r, hooks[i], FAIL, "replaced by live patch %s",
			      patch);
			fix(r, "Only one can replace it. Boot a kernel that "
			       "has the patch built in.");
			return;
		}
		/* submit_bio_noacct (1) R I  M  tramp: ADDRESS (callback [module]) */
		if (!find_word(path, hooks[i], line, sizeof(line)) ||
		    strstr(line, "[forcepoll]"))
			continue;
		flags = strchrnul(line, ')');
		who = strchr(flags, '[');
		if (who)
			who[strcspn(who, "]")] = '\0';
		flags[strcspn(flags, "\t>\n")] = '\0';
		if (!strstr(flags, " I"))
			continue;
		check(r, hooks[i], FAIL, "replaced by %s already",
		      who ? who + 1 : "somebody else");
		fix(r, "Only one can replace it. Unload the other:");
		if (who)
			fix(r, "\trmmod %s", who + 1);
		else
			fix(r, "\tgrep -w '^%s' %s    # tells which", hooks[i],
			    path);
		return;
	}
}

/* Where it is already: as check_owner() in pins.c asks of who runs it, root. */
static bool is_roots_alone(struct report *r, const char *pin_dir)
{
	struct stat st;

	if (lstat(pin_dir, &st))
		return true;
	if (st.st_uid || !S_ISDIR(st.st_mode)) {
		check(r, "bpffs", FAIL, "%s is not a directory of root's",
		      pin_dir);
		fix(r, "Remove it, or choose another by --pin-dir.");
		return false;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		check(r, "bpffs", FAIL, "%s is not root's alone", pin_dir);
		fix(r, "\tchmod 700 %s", pin_dir);
		return false;
	}
	return true;
}

void check_bpffs(struct report *r, const char *pin_dir)
{
	char path[PATH_MAX];
	struct statfs fs;
	int err;

	/* It may not be there yet, or not be ours to see. */
	snprintf(path, sizeof(path), "%s", pin_dir);
	while ((err = statfs(path, &fs)) && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	if (!err && fs.f_type == BPF_FS_MAGIC) {
		if (is_roots_alone(r, pin_dir))
			check(r, "bpffs", OK, "%s is on it", pin_dir);
		return;
	}
	check(r, "bpffs", FAIL, "%s is not on a BPF file system", pin_dir);
	if (find_mount("bpf", path, sizeof(path))) {
		fix(r, "Choose a directory below %s.", path);
		return;
	}
	fix(r, "\tmount -t bpf bpf /sys/fs/bpf");
	fix(r, "and for the next boot, where systemd does not do it, in "
	       "/etc/fstab:");
	fix(r, "\tbpf /sys/fs/bpf bpf defaults 0 0");
}

void check_cgroup(struct report *r)
{
	char path[PATH_MAX], v1[PATH_MAX];
	bool has_v1 = find_mount("cgroup", v1, sizeof(v1));

	if (!find_mount("cgroup2", path, sizeof(path))) {
		check(r, "cgroup2", WARN,
		      "not mounted: no --cgroup, the other ways to choose "
		      "processes are there");
		if (has_v1)
			fix(r, "This system uses version 1. To change that, "
			       "boot with systemd.unified_cgroup_hierarchy=1.");
		else
			fix(r, "\tmount -t cgroup2 cgroup2 /sys/fs/cgroup");
	} else if (has_v1) {
		check(r, "cgroup2", WARN,
		      "at %s, with version 1 beside it: --cgroup takes "
		      "directories in the former only",
		      path);
		fix(r, "Where a container is in version 1 only, boot with "
		       "systemd.unified_cgroup_hierarchy=1.");
	} else {
		check(r, "cgroup2", OK, "at %s", path);
	}
}

void check_debugfs(struct report *r)
{
	char path[PATH_MAX];

	if (!find_mount("debugfs", path, sizeof(path)) ||
	    strcmp(path, "/sys/kernel/debug")) {
		check(r, "debugfs", WARN,
		      "not at /sys/kernel/debug: poll queues cannot be "
		      "counted");
		fix(r, "\tmount -t debugfs debugfs /sys/kernel/debug");
	} else if (access("/sys/kernel/debug/block", R_OK)) {
		check(r, "debugfs", WARN, "%s: poll queues cannot be counted",
		      r->root ? "no block devices in it" : "for root only");
	} else {
		check(r, "debugfs", OK, "at %s", path);
	}
}

void check_cpus(struct report *r)
{
	if (r->online > 1)
		check(r, "cpus", OK, "%u", r->online);
	else
		check(r, "cpus", WARN,
		      "a single one: polling takes it whenever nothing else "
		      "wants it");
}
