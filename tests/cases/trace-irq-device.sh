#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts each device interrupt that hit user mode, by line and driver.
# TIMEOUT: 120
# MACHINE: append="nohz_full=1 nvme_core.io_timeout=60"
set -eu
. "$(dirname "$0")/../lib.sh"

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter
dev=$(nvme_dev)

# One read after the other ends while the program looks at its ring, in user mode.
# A CPU that ticks would now and then be in its tick: this one does not. Hardly any ends
# before all are submitted, however slow the host; nor has any been waited for so long
# when it ends that the driver takes it for lost: aborts are interrupts, too.
nvme_throttle 0 1
: >before
(
	taskset -pc 0 "$BASHPID" >/dev/null # not beside it
	{ poll_until 60 grep -q . before && host "throttle 0 200"; } ||
		echo "the drive stays slow"
) &
# shellcheck disable=SC2016 # the words are for the inner shells
check "traced" sh -c '"$@" >out' sh "$LOADER" trace --json -- \
	taskset -c 1 sh -c './enter reads 1000 "$1" >before
		cat /proc/interrupts >after' sh "/dev/$dev"
devices=$(jq '[.causes[] | select(.kind == "device IRQ")
	| select(.name | test("nvme0q")).count] | add // 0' out)
lines=$(irq_grown 1 nvme0q)
others=$(jq '[.causes[] | select(.kind == "timer" or .kind == "IPI").count] | add // 0' out)
steps=$(awk '$1 == "steps" { print $2 }' before)
echo "device interrupts: $devices of $lines; steps of the ring: $steps; others: $others"
check "many reads ended alone" [ "$steps" -gt 100 ]
# Or the next check would ask for nothing. A debug kernel's own threads make it tick.
check "its CPU ticks less than reads end" [ "$others" -lt "$steps" ]
# Each time that the ring was seen to have gone on, something had hit user mode: a read's
# interrupt, or another in whose time it came. What comes while one is served, as when a
# busy host's drive ends some together, hits the kernel.
check "each that hit user mode is counted" [ $((steps - devices)) -le "$others" ]
# Those while it submitted are not in "before", and hit the kernel but for a few.
check "and no others" [ $((100 * (devices - lines))) -le "$lines" ]
