#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes CPUs, schedulers and requests away under polled load.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

set_to() { check "$1 is $2" eval "echo $2 >$1"; }

requires_forcepoll
dev=$(nvme_dev)
queue=/sys/block/$dev/queue
cpu=/sys/devices/system/cpu/cpu1/online
[[ -e $cpu ]] || skip "one CPU only"
defer eval "echo 1 >$cpu"
defer eval "echo $(<"$queue/nr_requests") >$queue/nr_requests"
defer eval "echo none >$queue/scheduler"
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev" --numjobs=3 --offset_increment=8M
for ((i = 0; i < 10; i++)); do
	set_to $cpu 0
	progress "$dev" "CPU offline"
	set_to $cpu 1
	progress "$dev" "CPU online"
	for to in mq-deadline none; do
		set_to "$queue/scheduler" $to
		set_to "$queue/nr_requests" $((16 + i * 8))
	done
done
polled=$(stat_get polled)
progress "$dev" "at the end"
progress "$dev" "at the end"
check "still polled" [ "$(stat_get polled)" -gt $((polled + 20)) ]
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
