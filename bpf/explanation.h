/* SPDX-License-Identifier: GPL-2.0 */
/* A change of mind, from bpf/explain.bpf.c to loader/explain.c. */
#ifndef EXPLANATION_H
#define EXPLANATION_H

struct explanation {
	struct forcepoll_class_key key;
	__u32 from, to; /* enum forcepoll_mode */
	__u32 reason, pad; /* enum forcepoll_reason */
	__u64 interrupt_ns, poll_ns; /* means that were compared, or 0 */
};

#endif
