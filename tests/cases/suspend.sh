#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: suspends the machine to idle, time and again, under polled load.
# MACHINE: memory_root=1
# SET: slow
# TIMEOUT: 240
#
# It is woken by its power button, pressed each second: before it sleeps that does nothing.
set -eu
. "$(dirname "$0")/../lib.sh"

power=/sys/power
succeeded() { cat $power/suspend_stats/success; }

requires_forcepoll
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev"
aio_verify_start "$dev"
verify_start "$dev" --ioengine=io_uring --iodepth=8 --offset=128M

defer host "button 0"
host "button 1" >/dev/null
for i in 1 2 3 4 5; do
	was=$(succeeded)
	progress "$dev" "before suspend $i"
	check "suspend $i" eval "echo freeze >$power/state"
	check "it was suspended" [ "$(succeeded)" = $((was + 1)) ]
	progress "$dev" "after suspend $i"
done
stat_mark
progress "$dev" "in the end"
check "polled in the end" poll_until 30 polled_both 50
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
