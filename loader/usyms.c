// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usyms.h"

struct usym {
	__u64 address, size; /* as the file says it */
	char *name;
};

/* Where a part of the file is when loaded as the file says. */
struct segment {
	__u64 offset, size, address;
};

struct ufile {
	char *path;
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

/* What cannot be read has no symbols. Not mapped: it may be cut off meanwhile. */
static void read_symbols(struct ufile *f, __u32 tgid)
{
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
			     header.sh_type == SHT_DYNSYM))
				add_symbols(f, elf, section, &header);
	}
	elf_end(elf);
	close(fd);
	if (f->nr_syms)
		qsort(f->syms, f->nr_syms, sizeof(*f->syms), by_address);
}

/* The index of a file, read when it is new; -1 without memory. */
static long find_file(struct usyms *u, const char *path, __u32 tgid)
{
	struct ufile *more;

	for (size_t i = 0; i < u->nr_files; i++)
		if (!strcmp(u->files[i].path, path))
			return i;
	more = grown(u->files, u->nr_files, sizeof(*u->files));
	if (!more)
		return -1;
	u->files = more;
	u->files[u->nr_files] = (struct ufile){ .path = strdup(path) };
	if (!u->files[u->nr_files].path)
		return -1;
	read_symbols(&u->files[u->nr_files], tgid);
	return u->nr_files++;
}

static void read_maps(struct usyms *u, struct uprocess *p, FILE *maps)
{
	char line[4400], path[4200], flags[8];
	unsigned long long start, end, offset;
	struct mapping *more;
	long file;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %4199[^\n]",
			   &start, &end, flags, &offset, path) != 5 ||
		    flags[2] != 'x' || path[0] != '/')
			continue;
		file = find_file(u, path, p->tgid);
		if (file < 0)
			return;
		more = grown(p->mappings, p->nr_mappings, sizeof(*more));
		if (!more)
			return; /* else the old ones are gone */
		p->mappings = more;
		p->mappings[p->nr_mappings++] =
			(struct mapping){ start, end, offset, file };
	}
}

static struct uprocess *find_process(const struct usyms *u, __u32 tgid)
{
	for (size_t i = 0; i < u->nr_processes; i++)
		if (u->processes[i].tgid == tgid)
			return &u->processes[i];
	return NULL;
}

void usyms_learn(struct usyms *u, __u32 tgid)
{
	struct uprocess *more;
	char path[32];
	FILE *maps;

	if (find_process(u, tgid))
		return;
	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	more = grown(u->processes, u->nr_processes, sizeof(*more));
	if (more) {
		u->processes = more;
		more += u->nr_processes++;
		*more = (struct uprocess){ .tgid = tgid };
		read_maps(u, more, maps);
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
	for (size_t i = 0; p && i < p->nr_mappings; i++) {
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
