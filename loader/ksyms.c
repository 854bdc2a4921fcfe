// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ksyms.h"
#include "log.h"

/* The whole file: its size is not known before. */
static char *read_all(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = NULL, *more;
	size_t room = 0, n;

	*size = 0;
	while (f) {
		room = room ? 2 * room : 1 << 22;
		more = realloc(text, room + 1);
		if (!more)
			break;
		text = more;
		n = fread(text + *size, 1, room - *size, f);
		*size += n;
		if (*size < room) {
			text[*size] = 0;
			fclose(f);
			return text;
		}
	}
	if (f)
		fclose(f);
	free(text);
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* Lines of "ffffffff81000000 T _text\t[module]"; only text is of interest. */
static int parse(struct ksyms *k)
{
	char *line, *next = k->text, *name;
	size_t lines = 0;

	for (const char *c = k->text; *c; c++)
		lines += *c == '\n';
	k->sym = calloc(lines + 1, sizeof(*k->sym));
	if (!k->sym)
		return -ENOMEM;
	while ((line = strsep(&next, "\n")) && *line) {
		__u64 address = strtoull(line, &name, 16);

		if (!address || name[0] != ' ' || !name[1] ||
		    !strchr("tTwW", name[1]) || name[2] != ' ')
			continue;
		name += 3;
		name[strcspn(name, "\t ")] = 0;
		k->sym[k->n++] = (struct ksym){ address, name };
	}
	qsort(k->sym, k->n, sizeof(*k->sym), by_address);
	return k->n ? 0 : -EPERM; /* kernel.kptr_restrict shows zeros */
}

int ksyms_read(struct ksyms *k)
{
	size_t size;
	int err;

	*k = (struct ksyms){ .text = read_all("/proc/kallsyms", &size) };
	err = k->text ? parse(k) : -errno;
	if (err) {
		ksyms_free(k);
		return log_error(err, "/proc/kallsyms: %s",
				 err == -EPERM ? "addresses are hidden "
						 "(kernel.kptr_restrict)" :
						 strerror(-err));
	}
	return 0;
}

void ksyms_free(struct ksyms *k)
{
	free(k->sym);
	free(k->text);
	*k = (struct ksyms){};
}

const struct ksym *ksyms_find(const struct ksyms *k, __u64 address)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (k->sym[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &k->sym[low - 1] : NULL;
}

void ksyms_range(const struct ksyms *k, const char *name, __u64 *start,
		 __u64 *end)
{
	*start = *end = 0;
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->sym[i].name, name))
			continue;
		*start = k->sym[i].address;
		/* Aliases have the same address. */
		while (i < k->n && k->sym[i].address == *start)
			i++;
		*end = i < k->n ? k->sym[i].address : -1ull;
		return;
	}
}
