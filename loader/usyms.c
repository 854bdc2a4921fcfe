// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "printable.h"
#include "usyms.h"

struct usym {
	__u64 address, size; /* as the file says it */
	char *name;
};

/* Where a part of the file is when loaded as the file says. */
struct segment {
	__u64 offset, size, address;
};

/* Of two containers each may have its own at the same path. */
struct ufile {
	char *path;
	unsigned long long inode;
	unsigned int major, minor;
	struct usym *syms;
	size_t nr_syms;
	struct segment segments[8];
	size_t nr_segments;
};

struct mapping {
	__u64 start, end, offset;
	size_t file; /* index */
};

struct uprocess {
	__u32 tgid;
	double looked; /* at its mappings */
	dev_t dev; /* of the program that it ran then */
	ino_t ino;
	struct mapping *mappings;
	size_t nr_mappings;
};

/* A longer array, with room for one more; NULL leaves the old one as it is. */
static void *grown(void *array, size_t n, size_t size)
{
	/* At powers of two only. */
	return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

static void add_symbols(struct ufile *f, Elf *elf, Elf_Scn *section,
			const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize :
					0;
	struct usym *more;
	GElf_Sym sym;
	const char *name;

	for (size_t i = 0; data && i < n; i++) {
		if (!gelf_getsym(data, i, &sym))
			break; /* what the header says is more than there is */
		if (!sym.st_value || GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (!name)
			continue;
		more = grown(f->syms, f->nr_syms, sizeof(*f->syms));
		if (!more)
			return; /* else the old ones are gone */
		f->syms = more;
		f->syms[f->nr_syms++] = (struct usym){ sym.st_value,
						       sym.st_size,
						       strdup(name) };
	}
}

static void add_segments(struct ufile *f, Elf *elf)
{
	GElf_Phdr p;

	for (int i = 0; f->nr_segments < 8 && gelf_getphdr(elf, i, &p); i++)
		if (p.p_type == PT_LOAD && p.p_flags & PF_X)
			f->segments[f->nr_segments++] =
				(struct segment){ p.p_offset, p.p_filesz,
						  p.p_vaddr };
}

static int by_address(const void *a, const void *b)
{
	const struct usym *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/*
 * A file and nothing else, whatever the process has put there meanwhile: to open a
 * device may do something, and to open a FIFO waits.
 */
static int open_file(const char *path)
{
	int at = open(path, O_PATH | O_CLOEXEC), fd = -1;
	char same[32];
	struct stat st;

	if (at < 0)
		return -1;
	if (!fstat(at, &st) && S_ISREG(st.st_mode)) {
		snprintf(same, sizeof(same), "/proc/self/fd/%d", at);
		fd = open(same, O_RDONLY | O_CLOEXEC);
	}
	close(at);
	return fd;
}

/* With its names; a file may claim what it likes, and be sparse. */
static bool takes_room(Elf *elf, const GElf_Shdr *header, __u64 *room)
{
	GElf_Shdr names;
	__u64 bytes;

	if (!gelf_getshdr(elf_getscn(elf, header->sh_link), &names) ||
	    __builtin_add_overflow(header->sh_size, names.sh_size, &bytes) ||
	    bytes > *room)
		return false;
	*room -= bytes;
	return true;
}

/* What cannot be read has no symbols. Not mapped: it may be cut off meanwhile. */
static void read_symbols(struct ufile *f, __u32 tgid)
{
	__u64 room = 256 << 20;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	char path[4200];
	Elf *elf;
	int fd;

	/* As the process sees it: it may be in a container. */
	snprintf(path, sizeof(path), "/proc/%u/root%s", tgid, f->path);
	fd = open_file(path);
	if (fd < 0)
		fd = open_file(f->path);
	if (fd < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		add_segments(f, elf);
		while ((section = elf_nextscn(elf, section)))
			if (gelf_getshdr(section, &header) &&
			    (header.sh_type == SHT_SYMTAB ||
			     header.sh_type == SHT_DYNSYM) &&
			    takes_room(elf, &header, &room))
				add_symbols(f, elf, section, &header);
	}
	elf_end(elf);
	close(fd);
	if (f->nr_syms)
		qsort(f->syms, f->nr_syms, sizeof(*f->syms), by_address);
}

/* The index of a file, read when it is new; -1 without memory. */
static long find_file(struct usyms *u, const struct ufile *wanted, __u32 tgid)
{
	struct ufile *f;

	for (size_t i = 0; i < u->nr_files; i++) {
		f = &u->files[i];
		if (f->inode == wanted->inode && f->major == wanted->major &&
		    f->minor == wanted->minor && !strcmp(f->path, wanted->path))
			return i;
	}
	f = grown(u->files, u->nr_files, sizeof(*f));
	if (!f)
		return -1;
	u->files = f;
	f += u->nr_files;
	*f = *wanted;
	f->path = strdup(wanted->path);
	if (!f->path)
		return -1;
	read_symbols(f, tgid);
	return u->nr_files++;
}

static bool has_mapping(const struct uprocess *p, const struct mapping *m)
{
	for (size_t i = 0; i < p->nr_mappings; i++)
		if (!memcmp(&p->mappings[i], m, sizeof(*m)))
			return true;
	return false;
}

/* False without memory. */
static bool add_mapping(struct uprocess *p, const struct mapping *m)
{
	struct mapping *more;

	if (has_mapping(p, m))
		return true;
	more = grown(p->mappings, p->nr_mappings, sizeof(*more));
	if (!more)
		return false; /* and the old ones are still there */
	p->mappings = more;
	p->mappings[p->nr_mappings++] = *m;
	return true;
}

static void read_maps(struct usyms *u, struct uprocess *p, FILE *maps)
{
	char line[4400], path[4200], flags[8];
	unsigned long long start, end, offset;
	struct ufile f = { .path = path };
	long file;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu %4199[^\n]",
			   &start, &end, flags, &offset, &f.major, &f.minor,
			   &f.inode, path) != 8 ||
		    flags[2] != 'x' || path[0] != '/')
			continue;
		file = find_file(u, &f, p->tgid);
		if (file < 0 ||
		    !add_mapping(p,
				 &(struct mapping){ start, end, offset, file }))
			return;
	}
}

static struct uprocess *find_process(const struct usyms *u, __u32 tgid)
{
	for (size_t i = 0; i < u->nr_processes; i++)
		if (u->processes[i].tgid == tgid)
			return &u->processes[i];
	return NULL;
}

/* NULL without memory. */
static struct uprocess *add_process(struct usyms *u, __u32 tgid)
{
	struct uprocess *p = grown(u->processes, u->nr_processes, sizeof(*p));

	if (!p)
		return NULL;
	u->processes = p;
	p += u->nr_processes++;
	*p = (struct uprocess){ .tgid = tgid };
	return p;
}

/* What it maps changes by dlopen(), every so often; by exec, all of it. */
static bool is_known(const struct uprocess *p, const struct stat *exe,
		     double time)
{
	return time < p->looked + 1 && exe->st_ino == p->ino &&
	       exe->st_dev == p->dev;
}

void usyms_learn(struct usyms *u, __u32 tgid, double time)
{
	struct uprocess *p = find_process(u, tgid);
	struct stat exe = {};
	char path[32];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	if (stat(path, &exe) && p)
		return; /* gone */
	if (p && is_known(p, &exe, time))
		return;
	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	if (!p)
		p = add_process(u, tgid);
	if (p) {
		p->looked = time;
		p->dev = exe.st_dev;
		p->ino = exe.st_ino;
		read_maps(u, p, maps);
	}
	fclose(maps);
}

static const char *find_symbol(const struct ufile *f, __u64 offset)
{
	size_t low = 0, high = f->nr_syms;
	__u64 address = 0;

	for (size_t i = 0; i < f->nr_segments; i++)
		if (offset - f->segments[i].offset < f->segments[i].size)
			address = offset - f->segments[i].offset +
				  f->segments[i].address;
	while (address && low < high) {
		size_t middle = (low + high) / 2;

		if (f->syms[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Functions that the file does not name are between those that it does. */
	if (!low || address - f->syms[low - 1].address >= f->syms[low - 1].size)
		return NULL;
	return f->syms[low - 1].name;
}

const char *usyms_name(const struct usyms *u, __u32 tgid, __u64 address,
		       char *buf, size_t size)
{
	const struct uprocess *p = find_process(u, tgid);

	snprintf(buf, size, "[unknown]");
	/* From the last that was found: what is older may be gone. */
	for (size_t i = p ? p->nr_mappings : 0; i--;) {
		const struct mapping *m = &p->mappings[i];
		const struct ufile *f = &u->files[m->file];
		const char *base = strrchr(f->path, '/') + 1, *name;

		if (address < m->start || address >= m->end)
			continue;
		name = find_symbol(f, address - m->start + m->offset);
		if (name)
			snprintf(buf, size, "%s (%s)", name, base);
		else
			snprintf(buf, size, "[%s]", base);
		printable(buf, size);
		break;
	}
	return buf;
}

void usyms_free(struct usyms *u)
{
	for (size_t i = 0; i < u->nr_processes; i++)
		free(u->processes[i].mappings);
	for (size_t i = 0; i < u->nr_files; i++) {
		for (size_t j = 0; j < u->files[i].nr_syms; j++)
			free(u->files[i].syms[j].name);
		free(u->files[i].syms);
		free(u->files[i].path);
	}
	free(u->processes);
	free(u->files);
	*u = (struct usyms){};
}
