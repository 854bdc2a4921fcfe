#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts each device interrupt that hit user mode, by line and driver.
# TIMEOUT: 120
# MACHINE: append=nohz_full=1
set -eu
. "$(dirname "$0")/../lib.sh"

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter
dev=$(nvme_dev)

# One read after the other ends while the program looks at its ring, in user mode.
# A CPU that ticks would now and then be in its tick: this one does not. Hardly any ends
# before all are submitted, however slow the host.
nvme_throttle 0 1
: >before
(
	taskset -pc 0 "$BASHPID" >/dev/null # not beside it
	poll_until 60 grep -q . before
	host "throttle 0 200" >/dev/null
) &
# shellcheck disable=SC2016 # the words are for the inner shells
check "traced" sh -c '"$@" >out' sh "$LOADER" trace --json -- \
	taskset -c 1 sh -c './enter reads 1000 "$1" >before
		cat /proc/interrupts >after' sh "/dev/$dev"
devices=$(jq '[.causes[] | select(.kind == "device IRQ")
	| select(.name | test("nvme0q")).count] | add // 0' out)
lines=$(irq_grown 1 nvme0q)
echo "device interrupts: $devices of $lines"
check "there was one for most reads" [ "$lines" -gt 850 ]
# Those while it submitted are not in "before", and hit the kernel but for a few.
check "all hit user mode" [ $((100 * (lines - devices))) -le "$lines" ]
check "and no others" [ $((100 * (devices - lines))) -le "$lines" ]
