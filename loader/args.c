// SPDX-License-Identifier: GPL-2.0
/* Words of a command line that mean something: what is wrong ends the program. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "log.h"

void args_word(struct words *words, const char *word)
{
	const char **grown =
		realloc(words->word, (words->n + 1) * sizeof(*grown));

	if (!grown) {
		perror("forcepoll-loader");
		exit(1);
	}
	grown[words->n++] = word;
	words->word = grown;
}

error_t args_shared(int key, char *arg, struct argp_state *state,
		    struct options *o)
{
	switch (key) {
	case 'c':
		args_word(&o->cgroups, arg);
		break;
	case 'p':
		args_word(&o->pids, args_pid(state, arg));
		break;
	case 'f':
		o->follow = true;
		break;
	case 'x':
		if (!*arg || strlen(arg) > 15)
			argp_error(state, "--comm takes 1 to 15 characters, "
					  "as the kernel keeps them");
		args_word(&o->comms, arg);
		break;
	case 'X':
		args_word(&o->exes, arg);
		break;
	case 'a':
		o->all = true;
		break;
	case ARGS_DEVICE:
		args_word(&o->devices, arg);
		break;
	case 'm':
		o->max_bytes = args_size(state, arg);
		break;
	case 'P':
		/* Behind a slash a link is followed. */
		for (size_t n = strlen(arg); n > 1 && arg[n - 1] == '/';)
			arg[--n] = 0;
		o->pin_dir = arg;
		break;
	case ARGS_MODE:
		if (strcmp(arg, "auto") && strcmp(arg, "hybrid") &&
		    strcmp(arg, "poll"))
			argp_error(state,
				   "'%s' is not a mode: auto, hybrid, poll",
				   arg);
		o->mode = arg;
		break;
	case ARGS_MAX_POLL_CPU:
		o->max_poll_cpu = args_percent(state, arg);
		break;
	case ARGS_MAX_POLL_CPU_TOTAL:
		o->max_poll_cpu_total = args_percent(state, arg);
		break;
	case ARGS_MODULE:
		o->module = arg;
		break;
	case 'j':
		o->json = true;
		break;
	case 'q':
		log_level = LOG_QUIET;
		break;
	case 'v':
		log_level++;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

__u32 args_size(struct argp_state *state, const char *arg)
{
	unsigned long long n;
	int shift = 0;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (*end && strchr("kK", *end))
		shift = 10, end++;
	else if (*end && strchr("mM", *end))
		shift = 20, end++;
	if (!isdigit(*arg) || *end || errno || n == 0 || n > UINT_MAX >> shift)
		argp_error(state, "'%s' is not a size: 4096, 32K, 1M", arg);
	return n << shift;
}

double args_seconds(struct argp_state *state, const char *arg)
{
	char *end;
	double n;

	n = strtod(arg, &end);
	if (end == arg || *end || !isfinite(n) || n < 0.01 || n > 86400)
		argp_error(state, "'%s' is not a number of seconds", arg);
	return n;
}

__u32 args_percent(struct argp_state *state, const char *arg)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (!isdigit(*arg) || *end || errno || n < 1 || n > 100000)
		argp_error(state,
			   "'%s' is not a percentage of a CPU: 1, 50, 200",
			   arg);
	return n;
}

const char *args_pid(struct argp_state *state, const char *arg)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (!isdigit(*arg) || *end || errno || n == 0 || n > INT_MAX)
		argp_error(state, "'%s' is not a PID", arg);
	return arg;
}
