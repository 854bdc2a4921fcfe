#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the CPU that polls away, and schedulers and requests, under a verifying load, without forcepoll and polled.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

tracing=/sys/kernel/tracing

set_to() { check "$1 is $2" eval "echo $2 >$1"; }

# Of the events, those that this CPU has written.
events() {
	awk '/^(entries|overrun):/ { n += $2 } END { print n }' \
		"$tracing/per_cpu/cpu1/stats"
}
more_events() { (($(events) > $1)); }
polls_there() {
	check "it polls" poll_until 60 more_events $(($(events) + 20))
}

# changes HOW N [CMD...]: so many times; before that CPU goes, what CMD tells.
changes() {
	local i to
	each_verify_start "$dev"
	for ((i = 0; i < $2; i++)); do
		# That a CPU is back, cgroups get to know some time after.
		poll_until 30 cg_run db taskset -c 1 true || fail "no CPU 1 for a cgroup"
		# Who had been bound to a CPU that went away may run anywhere since then.
		cg_start db taskset -c 1 dd if="/dev/$dev" of=/dev/null bs=4k iflag=direct \
			status=none
		poll_until 30 grep -qx dd "/proc/$CG_PID/comm" || fail "no dd"
		progress "$dev" "$1, round $i"
		"${@:3}"
		set_to $cpu 0
		progress "$dev" "$1, CPU offline"
		kill "$CG_PID"
		set_to $cpu 1
		progress "$dev" "$1, CPU online"
		for to in mq-deadline none; do
			set_to "$queue/scheduler" $to
			set_to "$queue/nr_requests" $((16 + i * 8))
		done
	done
	progress "$dev" "$1, at the end"
}

requires_forcepoll
dev=$(nvme_dev)
queue=/sys/block/$dev/queue
cpu=/sys/devices/system/cpu/cpu1/online
[[ -e $cpu ]] || skip "one CPU only"
tracefs_mount $tracing
defer eval "echo 1 >$cpu"
defer eval "echo $(<"$queue/nr_requests") >$queue/nr_requests"
defer eval "echo none >$queue/scheduler"
cg_make db
changes without 3
verify_stop

loader_start --cgroup "$CGROOT/db"
defer eval "echo >$tracing/trace"
for event in complete reap; do
	echo 1 >$tracing/events/forcepoll/forcepoll_$event/enable
done
changes with 10 polls_there
stat_mark
check "still polled" poll_until 30 polled_both 50
check "faults, too" poll_until 30 stat_is '.fault > 50'
verify_stop
check "no poller is left" status '.inflight == 0'
loader_stop
