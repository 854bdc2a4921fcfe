#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts timer interrupts of user mode, and only these.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# trace CMD...: counts in $user those that hit it in user mode, in $all those of its
# CPU while it ran, and in $most those of all CPUs while it was traced, which is
# longer by its start and its end.
trace() {
	local first
	first=$(irq_count LOC:)
	check "trace $*" sh -c '"$@" >all' sh "$LOADER" trace --json -- \
		taskset -c 1 sh -c 'cat /proc/interrupts >before; "$@"
		cat /proc/interrupts >after' sh "$@"
	sed -n '/^{/,$p' all >out
	user=$(jq '[.causes[] | select(.kind == "timer").count] | add // 0' out)
	all=$(irq_grown 1 LOC:)
	most=$(($(irq_count LOC:) - first))
	echo "timer: $user of $all, at most $most"
}

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter

# It is in user mode but for the interrupts themselves, during which others may
# come: those are missing, of a kernel that is slow one in six.
trace ./enter spin 4000
check "timer interrupts hit user mode" \
	[ $((user * 100)) -gt $((all * (FORCEPOLL_SLOW > 1 ? 75 : 90))) ]
check "no more than there were" [ "$user" -le "$most" ]

# In the kernel nearly all of the time: the same interrupts are no switches. For long
# enough that the shell around it, which starts in user mode, counts for little.
trace dd if=/dev/zero of=/dev/null bs=16M count=1000 status=none
check "few hit user mode" [ $((user * 4)) -lt "$all" ]
