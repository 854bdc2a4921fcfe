#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts each device interrupt that hit user mode, by line and driver.
# TIMEOUT: 120
# MACHINE: append="nohz_full=1"
set -eu
. "$(dirname "$0")/../lib.sh"

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter
dev=$(nvme_dev)

# Each read takes some milliseconds: few end before the program looks at its ring, in user
# mode, on a CPU that does not tick but for others than the program.
nvme_throttle 0 200
# shellcheck disable=SC2016 # the words are for the inner shells
check "traced" sh -c '"$@" >out' sh "$LOADER" trace --json -- \
	taskset -c 1 sh -c 'cat /proc/interrupts >before
		./enter reads 1000 "$1" >said
		cat /proc/interrupts >after' sh "/dev/$dev"
devices=$(jq '[.causes[] | select(.kind == "device IRQ")
	| select(.name | test("nvme0q")).count] | add // 0' out)
lines=$(irq_grown 1 nvme0q)
others=$(jq '[.causes[] | select(.kind == "timer" or .kind == "IPI").count] | add // 0' out)
steps=$(awk '$1 == "steps" { print $2 }' said)
echo "device interrupts: $devices of $lines; steps of the ring: $steps; others: $others"
check "many reads ended in user mode" [ "$steps" -gt 100 ]
# Each time that the ring was seen to go on, something had hit user mode: the read's
# interrupt, or another in whose time it came.
check "its CPU hardly ticks" [ $((2 * others)) -lt "$steps" ]
check "each that hit user mode is counted" [ $((steps - devices)) -le "$others" ]
check "and no others" [ "$devices" -le "$lines" ]
