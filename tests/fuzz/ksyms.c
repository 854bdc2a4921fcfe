// SPDX-License-Identifier: GPL-2.0
/* Symbols of the kernel: what is in /proc/kallsyms. */
#include "fuzz.h"
#include "ksyms.h"
#include "log.h"

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
int __wrap_log_error(int err, const char *format, ...);

static const uint8_t *content;
static size_t length;

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (strcmp(path, "/proc/kallsyms"))
		return __real_fopen(path, mode); /* libFuzzer's */
	return fmemopen((void *)content, length, mode);
}

/* What is wrong is said for each input. */
int __wrap_log_error(int err, const char *format, ...)
{
	(void)format;
	return err;
}

/* From " T name", the name: of that line, and nothing else. */
static void check(const struct ksyms *k, const struct ksym *sym)
{
	const char *name = sym->name;

	must(sym->address);
	must(name >= k->text + 3 && name <= k->text + length);
	must(name[-1] == ' ' && name[-2] && strchr("tTwW", name[-2]));
	must(name[-3] == ' ');
	must(!name[strcspn(name, "\n\t ")]);
	must(ksyms_find(k, sym->address)->address == sym->address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__u64 start, end;
	struct ksyms k;

	content = data;
	length = size;
	if (ksyms_read(&k)) {
		must(!k.text && !k.sym);
		return 0;
	}
	must(k.n);
	for (size_t i = 0; i < k.n; i++) {
		check(&k, &k.sym[i]);
		must(!i || k.sym[i - 1].address <= k.sym[i].address);
	}
	must(!ksyms_find(&k, k.sym[0].address - 1));
	ksyms_range(&k, k.sym[0].name, &start, &end);
	must(start == k.sym[0].address && end >= start);
	ksyms_free(&k);
	return 0;
}
