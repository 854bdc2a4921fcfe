// SPDX-License-Identifier: GPL-2.0
/*
 * The command line, a word a line: as main() parses it, or the commands that have
 * options of their own. None of them gets any further.
 */
#include <argp.h>
#include <limits.h>
#include <setjmp.h>

#include "fuzz.h"
#include "log.h"
#include "options.h"

#define MAX_WORDS 64

int loader_main(int argc, char **argv);
void __wrap_argp_error(const struct argp_state *state, const char *format, ...);
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input);
error_t __real_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input);

static char program[] = "forcepoll-loader";
static jmp_buf refused, parsed;
static argp_parser_t parser;

/* The loader counts on argp_error() not to return. */
__attribute__((noreturn)) void __wrap_argp_error(const struct argp_state *state,
						 const char *format, ...)
{
	(void)state, (void)format;
	longjmp(refused, 1);
}

/* And argp, on the parser to do so: it frees what it has allocated. */
static error_t guarded(int key, char *arg, struct argp_state *state)
{
	if (setjmp(refused))
		return EINVAL;
	return parser(key, arg, state);
}

static void check_mode(const char *mode)
{
	must(!mode || !strcmp(mode, "auto") || !strcmp(mode, "hybrid") ||
	     !strcmp(mode, "poll"));
}

/* What the rest of the loader takes for granted. */
static void check(const struct options *o)
{
	size_t i, dir = strlen(o->pin_dir);

	if (o->command == CMD_RUN)
		must(o->cgroups.n || o->pids.n || o->comms.n || o->exes.n ||
		     o->all);
	else
		must(!o->cgroups.n && !o->pids.n && !o->comms.n && !o->exes.n &&
		     !o->all && !o->devices.n);
	for (i = 0; i < o->comms.n; i++)
		must(*o->comms.word[i] && strlen(o->comms.word[i]) < 16);
	for (i = 0; i < o->pids.n; i++) {
		unsigned long pid = strtoul(o->pids.word[i], NULL, 10);

		must(pid && pid <= INT_MAX);
	}
	must(!o->interval || (o->interval >= 0.01 && o->interval <= 86400));
	must(o->max_poll_cpu <= 100000 && o->max_poll_cpu_total <= 100000);
	must(dir < 2 || o->pin_dir[dir - 1] != '/');
	check_mode(o->mode);
}

static void free_words(struct options *o)
{
	free(o->cgroups.word);
	free(o->pids.word);
	free(o->comms.word);
	free(o->exes.word);
	free(o->devices.word);
}

error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned int flags, int *index, void *input)
{
	struct argp guard = *argp;
	error_t err;

	parser = argp->parser;
	guard.parser = guarded;
	err = __real_argp_parse(&guard, argc, argv, flags | ARGP_SILENT, index,
				input);
	if (argv[0] == program) {
		if (!err)
			check(input);
		free_words(input);
	}
	longjmp(parsed, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words = fuzz_string(data, size), *rest = words, *word;
	char *argv[MAX_WORDS + 2] = { program }, *given[MAX_WORDS];
	int n = 0;

	while (n < MAX_WORDS && (word = strsep(&rest, "\n"))) {
		given[n] = fuzz_string(word, strlen(word));
		argv[n + 1] = given[n];
		n++;
	}
	free(words);
	log_level = LOG_INFO;
	if (!setjmp(parsed))
		loader_main(n + 1, argv);
	/* They are in another order now, or replaced. */
	while (n--)
		free(given[n]);
	return 0;
}
