// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "device.h"
#include "doctor_checks.h"
#include "doctor_report.h"
#include "module.h"

struct module_file {
	char path[PATH_MAX]; /* "" when there is none */
	bool listed; /* modprobe finds it */
	bool elf;
	bool packed; /* xz or zstd: cannot look inside */
	bool btf, has_signature;
	char release[65]; /* of the kernel it is for */
};

static bool is_module(const char *path)
{
	return !strncmp(basename(path), "forcepoll.ko", 12);
}

/* As depmod has left it for modprobe: PATH: DEPENDENCY... */
static void find_listed(struct module_file *m, const char *dir)
{
	char list[PATH_MAX], line[4096];
	FILE *f;

	snprintf(list, sizeof(list), "%s/modules.dep", dir);
	f = fopen(list, "re");
	while (f && !m->listed && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":")] = '\0';
		if (!is_module(line))
			continue;
		m->listed = true;
		snprintf(m->path, sizeof(m->path), "%s%s%.255s",
			 *line == '/' ? "" : dir, *line == '/' ? "" : "/",
			 line);
	}
	if (f)
		fclose(f);
}

static void find_module(const struct report *r, struct module_file *m)
{
	char dir[PATH_MAX - 256], *dirs[] = { dir, NULL };
	FTSENT *e;
	FTS *tree;

	snprintf(dir, sizeof(dir), "/lib/modules/%s", r->release);
	find_listed(m, dir);
	if (m->listed)
		return;
	/* Links, as to the headers, are not followed. */
	tree = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (tree && !m->path[0] && (e = fts_read(tree)))
		if (e->fts_info == FTS_F && is_module(e->fts_path))
			snprintf(m->path, sizeof(m->path), "%s", e->fts_path);
	if (tree)
		fts_close(tree);
}

static char *read_whole(const char *path, size_t *size)
{
	const size_t more = 1 << 20;
	char *data = NULL, *longer;
	gzFile f = gzopen(path, "re");
	int got = -1;

	*size = 0;
	while (f && (longer = realloc(data, *size + more))) {
		data = longer;
		got = gzread(f, data + *size, more);
		if (got <= 0)
			break;
		*size += got;
	}
	if (f)
		gzclose(f);
	if (!got)
		return data;
	free(data);
	return NULL;
}

static int look_inside(struct module_file *m)
{
	static const char key[] = "vermagic=";
	static const char mark[] = "~Module signature appended~\n";
	size_t size, len = strlen(mark);
	char *data = read_whole(m->path, &size), *p;

	if (!data || size < len) {
		free(data);
		return -EIO;
	}
	m->elf = !memcmp(data, "\177ELF", 4);
	m->packed = !memcmp(data, "\3757zXZ", 5) ||
		    !memcmp(data, "\x28\xb5\x2f\xfd", 4);
	m->btf = memmem(data, size, ".BTF", 5); /* with its NUL */
	m->has_signature = !memcmp(data + size - len, mark, len);
	p = memmem(data, size, key, strlen(key));
	if (p) {
		p += strlen(key);
		snprintf(m->release, sizeof(m->release), "%.*s",
			 (int)(data + size - p), p);
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
	      "loaded, but its BTF is missing or is not of this kernel: BPF "
	      "cannot call it");
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
		      "%s, not loaded yet (compressed: not checked any "
		      "further)",
		      m->path);
	} else if (strcmp(m->release, r->release)) {
		check(r, "module", FAIL, "%s is for kernel %s", m->path,
		      m->release[0] ? m->release : "(not said)");
		fix_build(r);
	} else if (!m->btf) {
		check(r, "module", FAIL,
		      "%s was built without BTF: BPF cannot call it", m->path);
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

static bool secure_boot(void)
{
	char value[5] = ""; /* four bytes of attributes, then 0 or 1 */
	ssize_t len;
	int fd;

	fd = open("/sys/firmware/efi/efivars/"
		  "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, value, sizeof(value));
	close(fd);
	return len == sizeof(value) && value[4] == 1;
}

/* It must have a signature: because of @cause. */
static void check_signed(struct report *r, const struct module_file *m,
			 const char *cause)
{
	if (m->has_signature) {
		check(r, "signature", OK,
		      "required, and there is one; if it is refused, enrol "
		      "its key");
		fix(r, "\tmokutil --import /var/lib/dkms/mok.pub");
	} else if (m->packed) {
		check(r, "signature", WARN,
		      "required (%s); the module is compressed: modinfo tells "
		      "whether it is signed",
		      cause);
	} else {
		check(r, "signature", m->path[0] ? FAIL : WARN,
		      m->path[0] ? "required (%s), and the module has none" :
				   "required (%s): the module will need one",
		      cause);
		fix_signature(r, m);
	}
}

/* May an unsigned module be loaded? Of no interest once it is. */
static void check_signature(struct report *r, const struct module_file *m)
{
	char lockdown[64], enforce[8], disabled[8];
	bool locked, secure = secure_boot();

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
	locked = strstr(lockdown, "[integrity]") ||
		 strstr(lockdown, "[confidentiality]");
	if (locked || enforce[0] == 'Y') {
		check_signed(r, m,
			     secure	       ? "Secure Boot" :
			     enforce[0] == 'Y' ? "module.sig_enforce" :
						 "lockdown");
	} else if (secure && !lockdown[0] &&
		   !find_mount("securityfs", lockdown, sizeof(lockdown))) {
		check(r, "signature", WARN,
		      "Secure Boot is on; whether one is required cannot be "
		      "told without securityfs");
		fix(r, "\tmount -t securityfs securityfs /sys/kernel/security");
	} else {
		check(r, "signature", OK, "not required%s",
		      secure ? ", though Secure Boot is on" : "");
	}
}

void check_module(struct report *r, const char *file)
{
	struct module_file m = { .path = "" };

	if (module_loaded()) {
		check_loaded(r);
		return;
	}
	if (file) {
		snprintf(m.path, sizeof(m.path), "%s", file);
		m.listed = true; /* modprobe is not asked */
	} else {
		find_module(r, &m);
	}
	check_file(r, &m);
	check_signature(r, &m);
}
