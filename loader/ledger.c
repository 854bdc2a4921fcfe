// SPDX-License-Identifier: GPL-2.0
/* The figures are defined in forcepoll-loader.8, LEDGER. */
#include <stdio.h>

#include "json.h"
#include "ledger.h"

void ledger_since(struct ledger *l, const struct forcepoll_stats *now,
		  const struct forcepoll_stats *before)
{
	static const struct forcepoll_stats zero;
	__u64 polled, naps;

	if (!before)
		before = &zero;
	*l = (struct ledger){
		.time_ns = now->age_ns - before->age_ns,
		.irq_ns = now->irq_ns,
	};
	for (size_t i = 0; i < FORCEPOLL_NR_ORIGINS; i++) {
		l->spin_ns += now->spin_ns[i] - before->spin_ns[i];
		l->useful_ns += now->useful_ns[i] - before->useful_ns[i];
	}
	/* Of a bio that ends between the two sums the second has a part. */
	if (l->useful_ns > l->spin_ns)
		l->useful_ns = l->spin_ns;
	polled = now->count[FORCEPOLL_COUNT_polled] -
		 before->count[FORCEPOLL_COUNT_polled];
	naps = now->count[FORCEPOLL_COUNT_naps] -
	       before->count[FORCEPOLL_COUNT_naps];
	l->avoided = polled > naps ? polled - naps : 0;
}

double ledger_useful(const struct ledger *l)
{
	return l->spin_ns ? 100.0 * l->useful_ns / l->spin_ns : 0;
}

void ledger_print(const struct ledger *l)
{
	printf("\npoll time of the %.0f seconds since then, in seconds:\n"
	       "  %12.3f  %-15s CPU time spent polling: %.2f %% of one CPU\n"
	       "  %12.3f  %-15s estimate: %llu ns a bio, as an interrupt takes\n"
	       "  %12.3f  %-15s estimate: the rest\n"
	       "  %12llu  %-15s estimate: polled bios less naps\n",
	       l->time_ns / 1e9, l->spin_ns / 1e9, "spin",
	       l->time_ns ? 100.0 * l->spin_ns / l->time_ns : 0,
	       l->useful_ns / 1e9, "useful", l->irq_ns,
	       (l->spin_ns - l->useful_ns) / 1e9, "wasted", l->avoided,
	       "irqs avoided");
}

void ledger_json(const struct ledger *l, struct json *j)
{
	json_object(j, "ledger");
	json_u64(j, "time_ns", l->time_ns);
	json_u64(j, "spin_ns", l->spin_ns);
	json_u64(j, "spin_ppm_of_one_cpu",
		 l->time_ns ? 1e6 * l->spin_ns / l->time_ns : 0);
	json_u64(j, "irq_ns_estimate", l->irq_ns);
	json_u64(j, "useful_ns_estimate", l->useful_ns);
	json_u64(j, "wasted_ns_estimate", l->spin_ns - l->useful_ns);
	json_u64(j, "interrupts_avoided_estimate", l->avoided);
	json_end(j);
}
