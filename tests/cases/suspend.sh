#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: suspends the machine to idle, time and again, under a verifying load, without forcepoll and polled.
# MACHINE: memory_root=1
# SET: slow
# TIMEOUT: 400
#
# It is woken by its power button, pressed each second: before it sleeps that does nothing.
set -eu
. "$(dirname "$0")/../lib.sh"

power=/sys/power
succeeded() { cat $power/suspend_stats/success; }

# suspends HOW: five times, and nobody who reads or writes is told.
suspends() {
	local i was
	each_verify_start "$dev"
	verify_start "$dev" --ioengine=io_uring --iodepth=8 --offset=128M
	for i in 1 2 3 4 5; do
		was=$(succeeded)
		progress "$dev" "$1, before suspend $i"
		check "$1: suspend $i" eval "echo freeze >$power/state"
		check "it was suspended" [ "$(succeeded)" = $((was + 1)) ]
		progress "$dev" "$1, after suspend $i"
	done
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
defer host "button 0"
host "button 1" >/dev/null
suspends without
verify_stop

loader_start --cgroup "$CGROOT/db"
stat_mark
suspends with
check "polled" poll_until 60 polled_both 50
stat_mark
check "polled in the end" poll_until 30 polled_both 50
check "faults, too" poll_until 30 stat_is '.fault > 50'
verify_stop
check "no poller is left" status '.inflight == 0'
loader_stop
