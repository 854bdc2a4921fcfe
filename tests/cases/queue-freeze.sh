#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: changes 200 times and more what may freeze the queue, under a verifying load, without forcepoll and polled.
# SET: slow
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"

ROUNDS=50

# set_to NAME VALUE: as soon as nothing is in flight there.
set_to() {
	echo "$2" >"$queue/$1" || fail "$1 does not become $2"
	((++changes))
}

# keep NAME: as it is now, at the end.
keep() { defer eval "echo $(<"$queue/$1") >$queue/$1"; }

# changes HOW: of schedulers, requests and settings; nobody who reads or writes is told.
changes() {
	local i
	changes=0
	each_verify_start "$dev"
	verify_start "$dev" --ioengine=io_uring --iodepth=8 --offset=128M
	for ((i = 0; i < ROUNDS; i++)); do
		set_to scheduler "${schedulers[i % ${#schedulers[@]}]}"
		set_to nr_requests $((16 + i % 16 * 8))
		progress "$dev" "$1, with a scheduler, round $i"
		set_to scheduler none
		set_to nr_requests $((8 + i % 16 * 8))
		# Which of these freeze the queue, and which are ignored, is up to the
		# kernel.
		set_to read_ahead_kb $((i % 2 * 128))
		set_to wbt_lat_usec $((i % 2 * 2000))
		echo 1 >"$queue/io_poll"
		progress "$dev" "$1, no scheduler, round $i"
	done
	check "$1: $changes times" [ $changes -ge 200 ]
}

requires_forcepoll
dev=$(nvme_dev)
queue=/sys/block/$dev/queue
unload() { ! grep -q "^$1 " /proc/modules || modprobe -r "$1"; } # or it is built in
for module in kyber_iosched bfq; do
	modprobe -q $module && defer unload $module
done
read -ra schedulers < <(tr -d '[]' <"$queue/scheduler" | sed 's/\<none\>//')
check "several schedulers: ${schedulers[*]}" [ ${#schedulers[@]} -gt 1 ]
keep nr_requests
keep read_ahead_kb
keep io_poll
keep wbt_lat_usec
defer eval "echo none >$queue/scheduler"
cg_make db
changes without
verify_stop

loader_start --cgroup "$CGROOT/db"
stat_mark
changes with
check "polled" polled_both "$ROUNDS"
check "with a scheduler not" stat_is ".skip_elevator > $ROUNDS"
stat_mark
check "polled in the end" poll_until 30 polled_both 50
check "faults, too" poll_until 30 stat_is '.fault > 50'
verify_stop
check "no poller is left" status '.inflight == 0'
loader_stop
