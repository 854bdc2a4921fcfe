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

/*
 * Bytes read and kept, of all files together: what a process has mapped may be made to
 * claim more than there is memory.
 */
#define ROOM (1ull << 29)
#define ROOM_OF_SYMBOLS \
	(ROOM - (64 << 20)) /* the files themselves are known still */
#define LONGEST_NAME 255
#define MAX_MAPPINGS 4096 /* of a process: all are compared with all */

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

static bool takes_room(struct usyms *u, __u64 bytes, __u64 room)
{
	if (u->used > room || bytes > room - u->used)
		return false;
	u->used += bytes;
	return true;
}

/* False without memory. */
static bool add_symbol(struct usyms *u, struct ufile *f, const GElf_Sym *sym,
		       const Elf_Data *names)
{
	const char *name = (const char *)names->d_buf + sym->st_name;
	size_t room = names->d_size - sym->st_name, length;
	struct usym *more;

	length = strnlen(name, room < LONGEST_NAME ? room : LONGEST_NAME);
	if (!takes_room(u, sizeof(*more) + length, ROOM_OF_SYMBOLS))
		return false;
	more = grown(f->syms, f->nr_syms, sizeof(*more));
	if (!more)
		return false; /* and the old ones are still there */
	f->syms = more;
	more += f->nr_syms;
	*more = (struct usym){ sym->st_value, sym->st_size,
			       strndup(name, length) };
	f->nr_syms += more->name != NULL;
	return more->name != NULL;
}

/* Names by their section's data: elf_strptr() would look at all of it for each. */
static void add_symbols(struct usyms *u, struct ufile *f, Elf *elf,
			Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Data *names = elf_getdata(elf_getscn(elf, header->sh_link), NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize :
					0;
	GElf_Sym sym;

	if (!data || !names || !names->d_buf)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getsym(data, i, &sym))
			break; /* what the header says is more than there is */
		if (!sym.st_value || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    sym.st_name >= names->d_size)
			continue;
		if (!add_symbol(u, f, &sym, names))
			break;
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
 * The file that is mapped, whatever is at its path now, in whichever container. A file
 * and nothing else: to open a device may do something. Nor is a lease waited for, that
 * its owner need not give up for long.
 */
static int open_mapped(__u32 tgid, __u64 start, __u64 end)
{
	char path[80], same[32];
	int at, fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", tgid,
		 start, end);
	at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return -1;
	if (!fstat(at, &st) && S_ISREG(st.st_mode)) {
		snprintf(same, sizeof(same), "/proc/self/fd/%d", at);
		fd = open(same, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	close(at);
	return fd;
}

/*
 * Not one whose header says that there are too many sections or segments for it, as no
 * program has: libelf makes room at once for as many as the file then claims. (It reads
 * the header again: who writes to it just then gets root to take more memory.)
 */
static bool is_program(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h = {};
	bool is_64;

	if (pread(fd, &h, sizeof(h), 0) < (ssize_t)sizeof(h.e32) ||
	    memcmp(h.ident, ELFMAG, SELFMAG))
		return false;
	is_64 = h.ident[EI_CLASS] == ELFCLASS64;
	return (is_64 ? h.e64.e_shnum : h.e32.e_shnum) &&
	       (is_64 ? h.e64.e_phnum : h.e32.e_phnum) != PN_XNUM;
}

/* With its names; a file may claim what it likes, and be sparse. */
static bool has_symbols(struct usyms *u, Elf *elf, const GElf_Shdr *header)
{
	GElf_Shdr names;

	return (header->sh_type == SHT_SYMTAB ||
		header->sh_type == SHT_DYNSYM) &&
	       gelf_getshdr(elf_getscn(elf, header->sh_link), &names) &&
	       !((header->sh_flags | names.sh_flags) & SHF_COMPRESSED) &&
	       takes_room(u, header->sh_size, ROOM_OF_SYMBOLS) &&
	       takes_room(u, names.sh_size, ROOM_OF_SYMBOLS);
}

/* What is no program has no symbols. Not mapped: it may be cut off meanwhile. */
static void read_symbols(struct usyms *u, struct ufile *f, int fd)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf *elf;

	if (!is_program(fd))
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		add_segments(f, elf);
		while ((section = elf_nextscn(elf, section)))
			if (gelf_getshdr(section, &header) &&
			    has_symbols(u, elf, &header))
				add_symbols(u, f, elf, section, &header);
	}
	elf_end(elf);
	if (f->nr_syms)
		qsort(f->syms, f->nr_syms, sizeof(*f->syms), by_address);
}

/* Its index; -1 without memory. */
static long add_file(struct usyms *u, const struct ufile *wanted, int fd)
{
	struct ufile *f;

	if (!takes_room(u, sizeof(*f) + strlen(wanted->path), ROOM))
		return -1;
	f = grown(u->files, u->nr_files, sizeof(*f));
	if (!f)
		return -1;
	u->files = f;
	f += u->nr_files;
	*f = *wanted;
	f->path = strdup(wanted->path);
	if (!f->path)
		return -1;
	read_symbols(u, f, fd);
	return u->nr_files++;
}

/*
 * The index of the file that is mapped there, read when it is new; -1: it cannot be
 * opened, as when the process ends just now.
 */
static long find_file(struct usyms *u, const struct ufile *wanted, __u32 tgid,
		      __u64 start, __u64 end)
{
	long index;
	int fd;

	for (size_t i = 0; i < u->nr_files; i++) {
		const struct ufile *f = &u->files[i];

		if (f->inode == wanted->inode && f->major == wanted->major &&
		    f->minor == wanted->minor && !strcmp(f->path, wanted->path))
			return i;
	}
	fd = open_mapped(tgid, start, end);
	if (fd < 0)
		return -1;
	index = add_file(u, wanted, fd);
	close(fd);
	return index;
}

static bool has_mapping(const struct uprocess *p, const struct mapping *m)
{
	for (size_t i = 0; i < p->nr_mappings; i++)
		if (!memcmp(&p->mappings[i], m, sizeof(*m)))
			return true;
	return false;
}

/* False without memory. */
static bool add_mapping(struct usyms *u, struct uprocess *p,
			const struct mapping *m)
{
	struct mapping *more;

	if (has_mapping(p, m))
		return true;
	if (p->nr_mappings == MAX_MAPPINGS || !takes_room(u, sizeof(*m), ROOM))
		return false;
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
		file = find_file(u, &f, p->tgid, start, end);
		if (file < 0)
			continue;
		if (!add_mapping(u, p,
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
