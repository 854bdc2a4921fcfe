// SPDX-License-Identifier: GPL-2.0
/*
 * Each check looks at one thing that polling needs, for what it is and not by
 * version numbers, and adds a line to the report; below it the fix, in words
 * and, behind a tab, in commands or lines of a file to be copied.
 *
 *   system: root, kernel, ftrace, mounts --> module --> CPUs --> devices
 *
 * Runs anywhere: what cannot be seen is said to be so, and does not fail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/magic.h>
#include <zlib.h>

#include "device.h"
#include "doctor.h"
#include "json.h"
#include "log.h"

/* NO: a device that is not polled, which is no fault of the machine. */
enum status { OK, NO, WARN, FAIL };
static const char *const status_text[] = { "ok", "no", "warn", "FAIL" };

struct check {
	char name[32];
	enum status status;
	char *text;
	char *fix; /* lines, NULL: none */
};

struct report {
	struct check *checks;
	int nr_checks;
	int err; /* out of memory: all that can go wrong with it */

	struct device *devices;
	int nr_devices;
	int nr_pollable;
	unsigned int online, possible; /* CPUs */
	bool root;
	bool boot_said; /* fix_boot() for NVMe */
	const char *release; /* of the running kernel */
};

/* --- the report --------------------------------------------------------------
 */

static void __attribute__((format(printf, 4, 5)))
check(struct report *r, const char *name, enum status status,
      const char *format, ...)
{
	struct check *checks, *c;
	va_list args;

	checks = reallocarray(r->checks, r->nr_checks + 1, sizeof(*checks));
	if (!checks) {
		r->err = -ENOMEM;
		return;
	}
	r->checks = checks;
	c = &checks[r->nr_checks];
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->status = status;
	va_start(args, format);
	if (vasprintf(&c->text, format, args) < 0)
		r->err = -ENOMEM;
	else
		r->nr_checks++;
	va_end(args);
}

/* One more line to the fix of the last check; a tab first: to be copied. */
static void __attribute__((format(printf, 2, 3)))
fix(struct report *r, const char *format, ...)
{
	struct check *c = r->checks + r->nr_checks - 1;
	char *line = NULL, *all = NULL;
	va_list args;

	if (r->err)
		return;
	va_start(args, format);
	if (vasprintf(&line, format, args) < 0 ||
	    asprintf(&all, "%s%s%s", c->fix ?: "", c->fix ? "\n" : "", line) <
		    0)
		r->err = -ENOMEM;
	va_end(args);
	free(line);
	if (all) {
		free(c->fix);
		c->fix = all;
	}
}

enum { COLUMNS = 80, NAME_COLUMN = 6, TEXT_COLUMN = 18 };

/* @text from @column on, in lines that all begin at @indent. */
static void wrap(const char *text, int column, int indent)
{
	bool first = true;

	while (*text) {
		int len = strcspn(text, " ");

		if (!first && column + 1 + len > COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
		first = false;
	}
	putchar('\n');
}

static void print_check(const struct check *c)
{
	int column = printf("%-5s %-11s ", status_text[c->status], c->name);
	const char *line = c->fix, *end;

	wrap(c->text, column, TEXT_COLUMN);
	for (; line; line = *end ? end + 1 : NULL) {
		char *copy;

		end = strchrnul(line, '\n');
		copy = strndup(line, end - line);
		if (!copy)
			return;
		if (*copy == '\t') {
			printf("%*s%s\n", NAME_COLUMN + 2, "", copy + 1);
		} else {
			printf("%*s", NAME_COLUMN, "");
			wrap(copy, NAME_COLUMN, NAME_COLUMN);
		}
		free(copy);
	}
}

/* Why not: the first check that failed. NULL: none did. */
static const struct check *first_failure(const struct report *r, int from)
{
	int i;

	for (i = from; i < r->nr_checks; i++)
		if (r->checks[i].status == FAIL)
			return &r->checks[i];
	return NULL;
}

static void print_verdict(const struct report *r)
{
	const struct check *why = first_failure(r, 0);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int i, others = -1, listed = 0;

	if (!f)
		return;
	for (i = 0; i < r->nr_checks; i++)
		others += r->checks[i].status == FAIL;
	if (why) {
		fprintf(f, "This machine cannot poll yet: %s: %s", why->name,
			why->text);
		if (others)
			fprintf(f, " (and %d more FAIL above)", others);
	} else {
		fprintf(f, "This machine can poll%s:",
			r->root ? "" : ", as far as can be seen without root");
		for (i = 0; i < r->nr_devices; i++)
			if (device_pollable(&r->devices[i]))
				fprintf(f, "%s %s", listed++ ? "," : "",
					r->devices[i].name);
	}
	if (!fclose(f)) {
		putchar('\n');
		wrap(text, 0, 0);
	}
	free(text);
}

static void print_json(const struct report *r)
{
	struct json j = { .out = stdout };
	int i;

	json_object(&j, NULL);
	json_array(&j, "checks");
	for (i = 0; i < r->nr_checks; i++) {
		const struct check *c = &r->checks[i];

		json_object(&j, NULL);
		json_string(&j, "name", c->name);
		json_string(&j, "status", status_text[c->status]);
		json_string(&j, "text", c->text);
		if (c->fix)
			json_string(&j, "fix", c->fix);
		else
			json_null(&j, "fix");
		json_end(&j);
	}
	json_end(&j);
	json_array(&j, "devices");
	for (i = 0; i < r->nr_devices; i++) {
		const struct device *d = &r->devices[i];

		json_object(&j, NULL);
		json_string(&j, "name", d->name);
		json_u64(&j, "major", d->major);
		json_u64(&j, "minor", d->minor);
		json_bool(&j, "mq", d->mq);
		json_bool(&j, "io_poll", d->io_poll);
		if (d->poll_queues < 0)
			json_null(&j, "poll_queues");
		else
			json_u64(&j, "poll_queues", d->poll_queues);
		json_string(&j, "scheduler", d->elevator);
		json_string(&j, "controller", d->controller);
		json_bool(&j, "can_poll", device_pollable(d));
		json_string(&j, "why", d->why);
		json_end(&j);
	}
	json_end(&j);
	json_bool(&j, "can_poll", !first_failure(r, 0));
	json_end(&j);
}

/* --- looking at files --------------------------------------------------------
 */

/*
 * Which of @words begin a line of a file, compressed or not, as a mask. @line
 * is the last such line, if given. -errno: cannot be read.
 */
static int find_words(const char *path, const char *const *words, int n,
		      char *line, size_t size)
{
	char buf[4096];
	int i, found = 0;
	gzFile f;

	f = gzopen(path, "re");
	if (!f)
		return -(errno ?: ENOMEM);
	while (found != (1 << n) - 1 && gzgets(f, buf, sizeof(buf))) {
		for (i = 0; i < n; i++) {
			size_t len = strlen(words[i]);

			if (strncmp(buf, words[i], len) ||
			    !memchr(" \t\n=:", buf[len], 6))
				continue;
			found |= 1 << i;
			if (line)
				snprintf(line, size, "%.*s", (int)size - 1,
					 buf);
		}
	}
	gzclose(f);
	return found;
}

static bool find_word(const char *path, const char *word, char *line,
		      size_t size)
{
	return find_words(path, &word, 1, line, size) > 0;
}

/* Where the first file system of this type is mounted. */
static bool find_mount(const char *type, char *dir, size_t size)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m = NULL;

	if (!f)
		return false;
	while ((m = getmntent(f)))
		if (!strcmp(m->mnt_type, type))
			break;
	if (m)
		snprintf(dir, size, "%s", m->mnt_dir);
	endmntent(f);
	return m;
}

/* How many CPUs "0-3,8" names. */
static unsigned int count_cpus(const char *which)
{
	char list[4096], *p;
	unsigned int n = 0;

	device_read(list, sizeof(list), "/sys/devices/system/cpu/%s", which);
	for (p = strtok(list, ","); p; p = strtok(NULL, ",")) {
		unsigned int first, last;

		switch (sscanf(p, "%u-%u", &first, &last)) {
		case 1:
			n++;
			break;
		case 2:
			n += last - first + 1;
		}
	}
	return n ?: 1;
}

/* --- the system --------------------------------------------------------------
 */

#define CAP_SYS_ADMIN_BIT 21

static void check_root(struct report *r)
{
	unsigned long long caps = 0;
	unsigned int count = 0;
	char line[256];

	if (geteuid()) {
		check(r, "root", WARN,
		      "not root: what only root may see is "
		      "missing below");
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

static void check_kernel(struct report *r)
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
	int i, n = sizeof(needed) / sizeof(needed[0]), found;

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
		      "BPF programs are not compiled, and only "
		      "compiled ones can call the module");
		fix(r, "\tsysctl net.core.bpf_jit_enable=1");
	}
}

/* What the module replaces. */
static const char *const hooks[] = { "submit_bio", "page_cache_sync_ra",
				     "page_cache_async_ra" };
#define NR_HOOKS ((int)(sizeof(hooks) / sizeof(hooks[0])))

static void check_ftrace(struct report *r, const char *tracing)
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
	snprintf(path, sizeof(path), "%s/available_filter_functions", tracing);
	found = find_words(path, hooks, NR_HOOKS, NULL, 0);
	if (found < 0 && !enabled[0]) {
		check(r, "ftrace", FAIL, "this kernel has none");
		fix(r, "Boot a kernel with CONFIG_DYNAMIC_FTRACE; those of the "
		       "large distributions have it.");
		return;
	}
	if (found < 0) {
		check(r, "ftrace", r->root ? WARN : OK,
		      "on; whether submit_bio can be replaced cannot be told%s",
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
	check(r, "ftrace", OK, "on, and submit_bio can be replaced");
}

/* A live patch of @function: /sys/kernel/livepatch/PATCH/vmlinux/FUNCTION,1 */
static bool find_livepatch(const char *function, char *patch, size_t size)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir("/sys/kernel/livepatch");

	while (dir && !found && (e = readdir(dir))) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/livepatch/%s/vmlinux/%s,1", e->d_name,
			 function);
		found = e->d_name[0] != '.' && !access(path, F_OK);
		if (found)
			snprintf(patch, size, "%s", e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Only one at a time can replace a function (IPMODIFY), and it may be us. */
static void check_rival(struct report *r, const char *tracing)
{
	char path[PATH_MAX], line[1024], *flags, *who;
	int i;

	snprintf(path, sizeof(path), "%s/enabled_functions", tracing);
	for (i = 0; i < NR_HOOKS; i++) {
		if (find_livepatch(hooks[i], line, sizeof(line))) {
			check(r, hooks[i], FAIL, "replaced by live patch %s",
			      line);
			fix(r, "Only one can replace it. Boot a kernel that "
			       "has the patch built in.");
			return;
		}
		/* submit_bio (1) R I  M  tramp: ADDRESS (callback [module]) */
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

/* --- mounts ------------------------------------------------------------------
 */

static void check_bpffs(struct report *r, const char *pin_dir)
{
	char path[PATH_MAX];
	struct statfs fs;
	int err;

	/* It may not be there yet, or not be ours to see. */
	snprintf(path, sizeof(path), "%s", pin_dir);
	while ((err = statfs(path, &fs)) && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	if (!err && fs.f_type == BPF_FS_MAGIC) {
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

static void check_cgroup(struct report *r)
{
	char path[PATH_MAX], v1[PATH_MAX];
	bool has_v1 = find_mount("cgroup", v1, sizeof(v1));

	if (!find_mount("cgroup2", path, sizeof(path))) {
		check(r, "cgroup2", WARN,
		      "not mounted: no --cgroup, the other "
		      "ways to choose processes are there");
		if (has_v1)
			fix(r, "This system uses version 1. To change that, "
			       "boot with systemd.unified_cgroup_hierarchy=1.");
		else
			fix(r, "\tmount -t cgroup2 cgroup2 /sys/fs/cgroup");
	} else if (has_v1) {
		check(r, "cgroup2", WARN,
		      "at %s, with version 1 beside it: "
		      "--cgroup takes directories in the former only",
		      path);
		fix(r, "Where a container is in version 1 only, boot with "
		       "systemd.unified_cgroup_hierarchy=1.");
	} else {
		check(r, "cgroup2", OK, "at %s", path);
	}
}

static void check_debugfs(struct report *r)
{
	char path[PATH_MAX];

	if (!find_mount("debugfs", path, sizeof(path)) ||
	    strcmp(path, "/sys/kernel/debug")) {
		check(r, "debugfs", WARN,
		      "not at /sys/kernel/debug: poll queues "
		      "cannot be counted");
		fix(r, "\tmount -t debugfs debugfs /sys/kernel/debug");
	} else if (access("/sys/kernel/debug/block", R_OK)) {
		check(r, "debugfs", WARN, "%s: poll queues cannot be counted",
		      r->root ? "no block devices in it" : "for root only");
	} else {
		check(r, "debugfs", OK, "at %s", path);
	}
}

/* --- the module --------------------------------------------------------------
 */

struct module_file {
	char path[PATH_MAX]; /* "" when there is none */
	bool listed; /* modprobe finds it */
	bool elf;
	bool packed; /* xz or zstd: cannot look inside */
	bool btf, has_signature;
	char release[65]; /* of the kernel it is for */
};

/* nftw() has no argument for its callback. */
static char *walk_found;

static int walk(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	(void)st;
	if (type != FTW_F || strncmp(path + ftw->base, "forcepoll.ko", 12))
		return 0;
	snprintf(walk_found, PATH_MAX, "%s", path);
	return 1;
}

static void find_module(struct report *r, struct module_file *m)
{
	char dir[PATH_MAX - 256], line[4096], *end;
	FILE *f;

	snprintf(dir, sizeof(dir), "/lib/modules/%s/modules.dep", r->release);
	f = fopen(dir, "re");
	*strrchr(dir, '/') = '\0';
	while (f && !m->listed && fgets(line, sizeof(line), f)) {
		end = strchrnul(line, ':');
		*end = '\0';
		end = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;
		if (strncmp(end, "forcepoll.ko", 12))
			continue;
		m->listed = true;
		snprintf(m->path, sizeof(m->path), "%s%s%.255s",
			 *line == '/' ? "" : dir, *line == '/' ? "" : "/",
			 line);
	}
	if (f)
		fclose(f);
	if (m->listed)
		return;
	/* Links, as to the headers, are not followed. */
	walk_found = m->path;
	nftw(dir, walk, 16, FTW_PHYS);
}

static int look_inside(struct module_file *m)
{
	static const char key[] = "vermagic=", mark[] = "~Module signature "
							"appended~\n";
	size_t size = 0, room = 0, len = strlen(mark);
	char *data = NULL, *more, *p;
	gzFile f = gzopen(m->path, "re");
	int got = f ? 0 : -1;

	while (f) {
		if (size == room) {
			room += 1 << 20;
			more = realloc(data, room);
			if (!more) {
				got = -1;
				break;
			}
			data = more;
		}
		got = gzread(f, data + size, room - size);
		if (got <= 0)
			break;
		size += got;
	}
	if (f)
		gzclose(f);
	if (got < 0 || size < len) {
		free(data);
		return -EIO;
	}
	m->elf = !memcmp(data, "\177ELF", 4);
	m->packed = !memcmp(data,
			    "\xfd"
			    "7zXZ",
			    5) ||
		    !memcmp(data, "\x28\xb5\x2f\xfd", 4);
	m->btf = memmem(data, size, ".BTF", 5); /* with its NUL */
	m->has_signature = !memcmp(data + size - len, mark, len);
	p = memmem(data, size, key, strlen(key));
	if (p) {
		p += strlen(key);
		size -= p - data;
		len = strnlen(p, size < 64 ? size : 64);
		snprintf(m->release, sizeof(m->release), "%.*s", (int)len, p);
		m->release[strcspn(m->release, " ")] = '\0';
	}
	free(data);
	return 0;
}

static void fix_build(struct report *r)
{
	char path[PATH_MAX];

	fix(r, "In the source of forcepoll:");
	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile",
		 r->release);
	if (access(path, F_OK))
		fix(r, "\tapt-get install linux-headers-%s", r->release);
	fix(r, "\tmake kmod KREL=%s && make install KREL=%s", r->release,
	    r->release);
}

static void check_loaded(struct report *r)
{
	if (!access("/sys/kernel/btf/forcepoll", F_OK)) {
		check(r, "module", OK, "loaded");
		return;
	}
	check(r, "module", FAIL,
	      "loaded, but its BTF is missing or is not of "
	      "this kernel: BPF cannot call it");
	fix(r, "It was built without the kernel's BTF at hand.");
	fix_build(r);
	fix(r, "\trmmod forcepoll");
}

static void check_file(struct report *r, struct module_file *m)
{
	if (!m->path[0]) {
		check(r, "module", FAIL,
		      "forcepoll.ko is not in /lib/modules/%s", r->release);
		fix_build(r);
	} else if (look_inside(m) || !(m->elf || m->packed)) {
		check(r, "module", FAIL, "%s cannot be read, or is no module",
		      m->path);
		fix_build(r);
	} else if (m->packed) {
		check(r, "module", OK,
		      "%s, not loaded yet (compressed: not checked "
		      "any further)",
		      m->path);
	} else if (strcmp(m->release, r->release)) {
		check(r, "module", FAIL, "%s is for kernel %s", m->path,
		      m->release[0] ? m->release : "(not said)");
		fix_build(r);
	} else if (!m->btf) {
		check(r, "module", FAIL,
		      "%s was built without BTF: BPF cannot "
		      "call it",
		      m->path);
		fix_build(r);
	} else if (!m->listed) {
		check(r, "module", FAIL, "%s is unknown to modprobe", m->path);
		fix(r, "\tdepmod");
	} else {
		check(r, "module", OK, "%s, not loaded yet", m->path);
	}
}

static void fix_signature(struct report *r, const struct module_file *m)
{
	fix(r, "DKMS signs what it builds. Enrol its key once, with a password "
	       "that the firmware asks for at the next boot:");
	fix(r, "\tmake dkms      # prints the command to build it, run that");
	fix(r, "\tmokutil --import /var/lib/dkms/mok.pub");
	fix(r, "Or by hand, with a key of your own enrolled in the same way "
	       "(on Ubuntu kmodsign does it too):");
	fix(r, "\t/lib/modules/%s/build/scripts/sign-file \\", r->release);
	fix(r, "\t    sha256 MOK.priv MOK.der \\");
	fix(r, "\t    %s", m->path[0] ? m->path : "forcepoll.ko");
}

/* May an unsigned module be loaded? Of no interest once it is. */
static void check_signature(struct report *r, const struct module_file *m)
{
	char lockdown[64], enforce[8], disabled[8], secure[8] = "";
	bool required;
	int fd;

	device_read(disabled, sizeof(disabled),
		    "/proc/sys/kernel/modules_disabled");
	if (disabled[0] == '1') {
		check(r, "signature", FAIL,
		      "no module can be loaded any more "
		      "(kernel.modules_disabled)");
		fix(r, "It can be set back by a reboot only: find who sets it "
		       "in /etc/sysctl.d.");
		return;
	}
	device_read(lockdown, sizeof(lockdown),
		    "/sys/kernel/security/lockdown");
	device_read(enforce, sizeof(enforce),
		    "/sys/module/module/parameters/sig_enforce");
	required = enforce[0] == 'Y' || strstr(lockdown, "[integrity]") ||
		   strstr(lockdown, "[confidentiality]");
	/* Four bytes of attributes, then the value, which may be 0. */
	fd = open("/sys/firmware/efi/efivars/"
		  "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		  O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, secure, 5) != 5)
			secure[4] = 0;
		close(fd);
	}
	if (!required && secure[4] == 1 && !lockdown[0] &&
	    !find_mount("securityfs", lockdown, sizeof(lockdown))) {
		check(r, "signature", WARN,
		      "Secure Boot is on; whether one is "
		      "required cannot be told without securityfs");
		fix(r, "\tmount -t securityfs securityfs /sys/kernel/security");
	} else if (!required) {
		check(r, "signature", OK, "not required%s",
		      secure[4] == 1 ? ", though Secure Boot is on" : "");
	} else if (m->has_signature) {
		check(r, "signature", OK,
		      "required, and there is one; if it "
		      "is refused, enrol its key");
		fix(r, "\tmokutil --import /var/lib/dkms/mok.pub");
	} else if (m->packed) {
		check(r, "signature", WARN,
		      "required (%s); the module is "
		      "compressed: modinfo tells whether it is signed",
		      secure[4] == 1 ? "Secure Boot" : "lockdown");
	} else {
		check(r, "signature", FAIL,
		      "required (%s), and the module has "
		      "none",
		      secure[4] == 1	? "Secure Boot" :
		      enforce[0] == 'Y' ? "module.sig_enforce" :
					  "lockdown");
		fix_signature(r, m);
	}
}

static void check_module(struct report *r, const char *path)
{
	struct module_file m = { .path = "" };

	if (!access("/sys/module/forcepoll", F_OK)) {
		check_loaded(r);
		return;
	}
	if (path) {
		snprintf(m.path, sizeof(m.path), "%s", path);
		m.listed = true; /* modprobe is not asked */
	} else {
		find_module(r, &m);
	}
	check_file(r, &m);
	check_signature(r, &m);
}

/* --- devices -----------------------------------------------------------------
 */

/* An NVMe controller, and in general what poll queues are made for. */
struct controller {
	const char *name; /* nvme0 */
	char transport[16];
	unsigned int queues; /* for I/O, of all kinds */
	int polls; /* of these for polling; -1: cannot tell */
	unsigned int irqs; /* that these have; 0: cannot tell */
	int disks, pollable;
	bool multipath;
};

static bool mounted(dev_t dev, char *where, size_t size)
{
	char line[4096], dir[1024], source[1024], *rest;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned int maj, min;
	struct stat st;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*d %*d %u:%u %*s %1023s", &maj,
				    &min, dir) != 3)
			continue;
		/* btrfs has a number of its own: look at what was mounted. */
		found = makedev(maj, min) == dev ||
			(sscanf(rest, " - %*s %1023s", source) == 1 &&
			 source[0] == '/' && !stat(source, &st) &&
			 S_ISBLK(st.st_mode) && st.st_rdev == dev);
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(where, size, "mounted at %s", dir);
	return found;
}

static bool swapping(dev_t dev)
{
	char line[4096], path[4096];
	FILE *f = fopen("/proc/swaps", "re");
	struct stat st;
	bool found = false;

	/* A swap file is on a file system that is mounted. */
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%4095s", path) == 1 && !stat(path, &st) &&
			S_ISBLK(st.st_mode) && st.st_rdev == dev;
	if (f)
		fclose(f);
	return found;
}

/* First entry of a directory. */
static bool first_entry(const char *path, char *name, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		found = e->d_name[0] != '.';
		if (found)
			snprintf(name, size, "%s", e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* @path is the directory in sysfs of a disk or a partition. */
static bool node_used(const char *path, char *by, size_t size)
{
	char holders[PATH_MAX], what[NAME_MAX + 1], line[32], how[1100];
	const char *name = strrchr(path, '/') + 1;
	unsigned int maj, min;
	dev_t dev;

	if (device_read(line, sizeof(line), "%s/dev", path) ||
	    sscanf(line, "%u:%u", &maj, &min) != 2)
		return false;
	dev = makedev(maj, min);
	snprintf(holders, sizeof(holders), "%.3000s/holders", path);
	if (first_entry(holders, what, sizeof(what)))
		snprintf(by, size, "%s is part of %s", name, what);
	else if (mounted(dev, how, sizeof(how)))
		snprintf(by, size, "%s is %s", name, how);
	else if (swapping(dev))
		snprintf(by, size, "%s is swapped to", name);
	else
		return false;
	return true;
}

static bool disk_used(const struct report *r, const struct device *d, char *by,
		      size_t size)
{
	char path[PATH_MAX], part[PATH_MAX + NAME_MAX + 16];
	struct dirent *e;
	bool used;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s", d->name);
	used = node_used(path, by, size);
	dir = opendir(path);
	while (dir && !used && (e = readdir(dir))) {
		snprintf(part, sizeof(part), "%s/%s/partition", path,
			 e->d_name);
		if (access(part, F_OK))
			continue;
		*strrchr(part, '/') = '\0';
		used = node_used(part, by, size);
	}
	if (dir)
		closedir(dir);
	if (used || !r->root)
		return used;

	/* Mounted where we cannot see it, in a container: the kernel knows. */
	snprintf(path, sizeof(path), "/dev/%s", d->name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	else if (errno == EBUSY)
		used = true;
	if (used)
		snprintf(by, size, "%s is held by the kernel or a process",
			 d->name);
	return used;
}

static bool controller_used(const struct report *r, const struct controller *c,
			    char *by, size_t size)
{
	int i;

	for (i = 0; i < r->nr_devices; i++)
		if (!strcmp(r->devices[i].controller, c->name) &&
		    disk_used(r, &r->devices[i], by, size))
			return true;
	return false;
}

static bool module_builtin(const struct report *r, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin",
		 r->release);
	return find_word(path, file, NULL, 0);
}

/* A parameter of a driver, from the next boot on. */
static void fix_boot(struct report *r, const char *module, const char *file,
		     unsigned int n)
{
	if (module_builtin(r, file)) {
		fix(r, "From the next boot on: add to GRUB_CMDLINE_LINUX in "
		       "/etc/default/grub, then run update-grub:");
		fix(r, "\t%s.poll_queues=%u", module, n);
		return;
	}
	fix(r, "From the next boot on:");
	fix(r,
	    "\techo options %s poll_queues=%u "
	    ">>/etc/modprobe.d/forcepoll.conf",
	    module, n);
	if (!access("/usr/sbin/update-initramfs", X_OK))
		fix(r, "\tupdate-initramfs -u");
	else if (!access("/usr/bin/dracut", X_OK))
		fix(r, "\tdracut --force");
	else
		fix(r, "and make the initramfs anew, if there is one.");
}

/* It is the same for every controller. */
static void fix_boot_nvme(struct report *r, unsigned int n)
{
	if (r->boot_said)
		fix(r, "From the next boot on: as above.");
	else
		fix_boot(r, "nvme", "kernel/drivers/nvme/host/nvme.ko", n);
	r->boot_said = true;
}

/*
 * A controller that was taken with poll_queues=0 has one map of queues. A reset
 * that finds the parameter raised makes a queue without interrupt, but the map
 * stays as it was (__blk_mq_update_nr_hw_queues() returns early): every I/O
 * that goes there ends by its timeout, 30 s. So the parameter must not stay up
 * while such a controller is there.
 */
static const char *endangered(const struct report *r, const char *but)
{
	int i;

	for (i = 0; i < r->nr_devices; i++) {
		const struct device *d = &r->devices[i];

		if (d->controller[0] && strcmp(d->controller, but) && d->mq &&
		    !d->io_poll)
			return d->controller;
	}
	return NULL;
}

/* The driver decides on its queues when it takes the device. */
static bool fix_now(struct report *r, const struct controller *c,
		    unsigned int n)
{
	char link[PATH_MAX], path[PATH_MAX], by[2048];
	const char *pci, *other;

	snprintf(link, sizeof(link), "/sys/class/nvme/%s/device", c->name);
	if (!realpath(link, path))
		return false;
	if (!r->root) {
		fix(r, "Or at once, if nothing uses it: ask again as root.");
		return false;
	}
	pci = strrchr(path, '/') + 1;
	if (controller_used(r, c, by, sizeof(by))) {
		fix(r, "Not before: %s, and the driver has to let go of it.",
		    by);
		return false;
	}
	fix(r,
	    "Or now: nothing on %s is mounted, swapped to or part of another "
	    "device. Make sure that no process has it open, then:",
	    c->name);
	fix(r, "\techo %u >/sys/module/nvme/parameters/poll_queues", n);
	fix(r, "\techo %s >/sys/bus/pci/drivers/nvme/unbind", pci);
	fix(r, "\techo %s >/sys/bus/pci/drivers/nvme/bind", pci);
	other = endangered(r, c->name);
	if (!other)
		return true;
	fix(r, "and, once %s is back, or I/O of %s could stall after a reset:",
	    c->name, other);
	fix(r, "\techo 0 >/sys/module/nvme/parameters/poll_queues");
	return true;
}

/* Interrupts of a controller are nvme0q0 (its admin queue), nvme0q1, ... */
static unsigned int count_irqs(const char *name)
{
	char line[8192], queue[32];
	FILE *f = fopen("/proc/interrupts", "re");
	unsigned int n = 0;
	const char *p;

	snprintf(queue, sizeof(queue), " %.16sq", name);
	while (f && fgets(line, sizeof(line), f))
		for (p = strstr(line, queue); p; p = strstr(p + 1, queue))
			n += p[strlen(queue)] != '0';
	if (f)
		fclose(f);
	return n;
}

static unsigned int parameter(const char *module, const char *name)
{
	char line[16];

	device_read(line, sizeof(line), "/sys/module/%s/parameters/%s", module,
		    name);
	return strtoul(line, NULL, 10);
}

/*
 * A queue for each CPU, unless the controller has less of them than the driver
 * asked for: then half, as the others share what is left.
 */
static unsigned int recommend(const struct report *r,
			      const struct controller *c)
{
	unsigned int polls = c->polls > 0 ? c->polls : 0;
	unsigned int asked =
		r->possible + polls + parameter("nvme", "write_queues");

	if (c->queues >= asked || r->online <= c->queues / 2)
		return r->online;
	return c->queues / 2 ?: 1;
}

static void check_pcie(struct report *r, const struct controller *c,
		       enum status bad)
{
	unsigned int n = recommend(r, c), wanted;

	wanted = parameter("nvme", "poll_queues");
	if (c->polls < 0 && c->pollable) {
		check(r, c->name, OK,
		      "pcie, %u I/O queues, some of them for "
		      "polling",
		      c->queues);
	} else if (c->polls >= (int)n) {
		check(r, c->name, OK,
		      "pcie, %u I/O queues, %d of them for "
		      "polling, %u CPU%s",
		      c->queues, c->polls, r->online,
		      r->online == 1 ? "" : "s");
	} else if (c->polls > 0) {
		check(r, c->name, WARN,
		      "pcie, %u I/O queues, %d of them for "
		      "polling: the %u CPUs share %s",
		      c->queues, c->polls, r->online,
		      c->polls > 1 ? "them" : "it");
		fix(r, "Works; faster with %u when several CPUs poll at once.",
		    n);
		fix_boot_nvme(r, n);
		fix_now(r, c, n);
	} else if (c->queues == 1 && (r->possible > 1 || wanted)) {
		check(r, c->name, bad,
		      "pcie, a single I/O queue, which the "
		      "driver keeps for interrupts whatever poll_queues says");
		fix(r,
		    "The controller has no more. A virtual one can get more "
		    "(QEMU: max_ioqpairs=%u).",
		    2 * r->online);
	} else if (c->irqs && c->irqs < c->queues) {
		check(r, c->name, bad,
		      "pcie, a reset with poll_queues raised "
		      "has left a queue without interrupt: I/O stalls");
		fix(r, "The driver makes room for poll queues only when it "
		       "takes the controller, yet uses them after a reset. "
		       "Back to where it was, from where to start again:");
		fix(r, "\techo 0 >/sys/module/nvme/parameters/poll_queues");
		fix(r, "\techo 1 >/sys/class/nvme/%s/reset_controller",
		    c->name);
	} else {
		check(r, c->name, bad,
		      "pcie, %u I/O queue%s, none of them for "
		      "polling%s",
		      c->queues, c->queues == 1 ? "" : "s",
		      wanted ? ", though poll_queues is set" : "");
		if (wanted)
			fix(r,
			    "The driver makes room for poll queues only when "
			    "it takes the controller. Do not reset it now: "
			    "that would leave a queue without interrupt, "
			    "whose I/O stalls for 30 seconds.");
		fix_boot_nvme(r, n);
		if (!fix_now(r, c, n) && wanted) {
			fix(r, "Until then set it back to what it was:");
			fix(r, "\techo 0 >/sys/module/nvme/parameters/"
			       "poll_queues");
		}
	}
}

/* "traddr=192.0.2.1,trsvcid=4420,..." */
static void address_part(const char *address, const char *key, char *value,
			 size_t size)
{
	const char *p = strstr(address, key);

	snprintf(value, size, "%s", p ? p + strlen(key) : "...");
	value[strcspn(value, ",")] = '\0';
}

static void check_fabrics(struct report *r, const struct controller *c,
			  enum status bad)
{
	char address[512], nqn[256], addr[256], port[256];

	if (c->pollable) {
		check(r, c->name, OK,
		      "%s, %u I/O queues, some of them for "
		      "polling",
		      c->transport, c->queues);
		return;
	}
	check(r, c->name, bad, "%s, %u I/O queues, none of them for polling",
	      c->transport, c->queues);
	if (strcmp(c->transport, "tcp") && strcmp(c->transport, "rdma")) {
		fix(r, "The driver of this transport cannot poll.");
		return;
	}
	device_read(address, sizeof(address), "/sys/class/nvme/%s/address",
		    c->name);
	device_read(nqn, sizeof(nqn), "/sys/class/nvme/%s/subsysnqn", c->name);
	address_part(address, "traddr=", addr, sizeof(addr));
	address_part(address, "trsvcid=", port, sizeof(port));
	fix(r, "They are made when it connects. When nothing uses it:");
	fix(r, "\tnvme disconnect -d %s", c->name);
	fix(r, "\tnvme connect -t %s -a %s -s %s --nr-poll-queues=%u \\",
	    c->transport, addr, port, r->online);
	fix(r, "\t    -n %s", nqn);
}

static void check_controller(struct report *r, const char *name)
{
	enum status bad = r->nr_pollable ? WARN : FAIL;
	struct controller c = { .name = name };
	char line[32], state[32], path[PATH_MAX];
	struct dirent *e;
	DIR *dir;
	int i;

	device_read(state, sizeof(state), "/sys/class/nvme/%s/state", name);
	device_read(line, sizeof(line), "/sys/class/nvme/%s/queue_count", name);
	c.queues = strtoul(line, NULL, 10);
	c.queues -= c.queues > 0; /* the admin queue */
	c.irqs = count_irqs(name);
	device_read(c.transport, sizeof(c.transport),
		    "/sys/class/nvme/%s/transport", name);
	for (i = 0; i < r->nr_devices; i++) {
		const struct device *d = &r->devices[i];

		if (strcmp(d->controller, name))
			continue;
		c.disks++;
		c.pollable += d->io_poll && d->poll_queues;
		c.polls = d->poll_queues;
	}
	/* nvme0c0n1 is a path to what others see as nvme0n1. */
	snprintf(path, sizeof(path), "/sys/class/nvme/%s", name);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (sscanf(e->d_name, "nvme%*uc%*un%u", &(unsigned int){ 0 }) ==
		    1)
			c.multipath = true;
	if (dir)
		closedir(dir);

	if (strcmp(state, "live")) {
		check(r, name, bad, "%s, it is %s", c.transport, state);
	} else if (c.multipath) {
		check(r, name, bad,
		      "%s, one of several paths to its drives: "
		      "they are not polled by this version",
		      c.transport);
		fix(r, "If there is but one path, boot without multipath:");
		fix(r, "\tnvme_core.multipath=N");
	} else if (!c.disks) {
		check(r, name, WARN, "%s, it has no namespaces", c.transport);
	} else if (!strcmp(c.transport, "pcie")) {
		check_pcie(r, &c, bad);
	} else {
		check_fabrics(r, &c, bad);
	}
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void check_controllers(struct report *r)
{
	struct dirent **names;
	int i, n;

	n = scandir("/sys/class/nvme", &names, visible, versionsort);
	for (i = 0; i < n; i++) {
		check_controller(r, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* For disks whose driver could poll, but is not of NVMe. */
static void fix_driver(struct report *r, const struct device *d)
{
	char link[PATH_MAX], path[PATH_MAX];
	struct dirent **names;
	int n;

	snprintf(link, sizeof(link), "/sys/block/%s/device/driver", d->name);
	if (realpath(link, path) &&
	    !strcmp(strrchr(path, '/') + 1, "virtio_blk")) {
		snprintf(path, sizeof(path), "/sys/block/%s/mq", d->name);
		n = scandir(path, &names, visible, NULL);
		for (int i = 0; i < n; i++)
			free(names[i]);
		if (n >= 0)
			free(names);
		if (n < 2)
			fix(r,
			    "Give the virtual drive more than one queue, one "
			    "is kept for interrupts (QEMU: num-queues=%u).",
			    2 * r->online);
		fix_boot(r, "virtio_blk", "kernel/drivers/block/virtio_blk.ko",
			 n < 4 ? 1 : n / 2);
	} else if (!strncmp(d->name, "nullb", 5)) {
		fix(r, "\tmodprobe -r null_blk");
		fix(r, "\tmodprobe null_blk poll_queues=1");
	}
}

static void check_device(struct report *r, const struct device *d)
{
	char size[32], zoned[32];

	/* Loop devices and the like that nothing is attached to. */
	device_read(size, sizeof(size), "/sys/block/%s/size", d->name);
	if (!strcmp(size, "0"))
		return;
	device_read(zoned, sizeof(zoned), "/sys/block/%s/queue/zoned", d->name);
	if (device_pollable(d)) {
		check(r, d->name, OK, "is polled%s",
		      strncmp(zoned, "host", 4) ? "" :
						  ", reads only: it is "
						  "zoned");
	} else if (strcmp(d->elevator, "none") && d->io_poll) {
		check(r, d->name, r->nr_pollable ? WARN : FAIL,
		      "not polled: %s", d->why);
		fix(r, "\techo none >/sys/block/%s/queue/scheduler", d->name);
		fix(r, "and to keep it so, in "
		       "/etc/udev/rules.d/99-forcepoll.rules:");
		fix(r, "\tACTION==\"add|change\", KERNEL==\"%s\", \\", d->name);
		fix(r, "\t    ATTR{queue/scheduler}=\"none\"");
	} else {
		check(r, d->name, NO, "not polled: %s", d->why);
		fix_driver(r, d);
	}
}

static void check_devices(struct report *r)
{
	int i, before = r->nr_checks;

	for (i = 0; i < r->nr_devices; i++)
		r->nr_pollable += device_pollable(&r->devices[i]);
	check_controllers(r);
	for (i = 0; i < r->nr_devices; i++)
		check_device(r, &r->devices[i]);
	if (!r->nr_pollable && !first_failure(r, before)) {
		check(r, "devices", FAIL, "none has poll queues");
		fix(r, "An NVMe drive can have them; so can virtio_blk.");
	}
}

static void check_cpus(struct report *r)
{
	if (r->online > 1)
		check(r, "cpus", OK, "%u", r->online);
	else
		check(r, "cpus", WARN,
		      "a single one: polling takes it whenever "
		      "nothing else wants it");
}

static void examine(struct report *r, const char *module, const char *pin_dir)
{
	const char *tracing = "/sys/kernel/tracing";

	if (access("/sys/kernel/tracing/available_filter_functions", F_OK))
		tracing = "/sys/kernel/debug/tracing";
	check_root(r);
	check_kernel(r);
	check_ftrace(r, tracing);
	check_rival(r, tracing);
	check_bpffs(r, pin_dir);
	check_cgroup(r);
	check_debugfs(r);
	check_module(r, module);
	check_cpus(r);
	check_devices(r);
}

int doctor_run(bool json, const char *module_path, const char *pin_dir)
{
	struct report r = { .online = count_cpus("online"),
			    .possible = count_cpus("possible") };
	struct utsname uts;
	int i;

	uname(&uts);
	r.release = uts.release;
	r.nr_devices = device_list(&r.devices);
	if (r.nr_devices < 0)
		return log_error(r.nr_devices, "/sys/block: %s",
				 strerror(-r.nr_devices));
	examine(&r, module_path, pin_dir);
	if (!r.err && json) {
		print_json(&r);
	} else if (!r.err) {
		for (i = 0; i < r.nr_checks; i++)
			print_check(&r.checks[i]);
		print_verdict(&r);
	} else {
		log_error(r.err, "%s", strerror(-r.err));
	}
	if (!r.err)
		r.err = !!first_failure(&r, 0);
	for (i = 0; i < r.nr_checks; i++) {
		free(r.checks[i].text);
		free(r.checks[i].fix);
	}
	free(r.checks);
	free(r.devices);
	return r.err;
}
