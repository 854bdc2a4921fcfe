#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: completes what is in flight of those who do not wait for it.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

some_in_flight() { [[ $(in_flight) != 0 ]]; }
# ends PROGRAM END...: 64 reads in flight on a slow drive, then that. None may be
# left, and each one that is reaped must have been read.
ends() {
	local program=$1 end
	for end in "${@:2}"; do
		stat_mark
		check "$end" cg_run db timeout "$LIMIT" "./$program" "$end" 64 "/dev/$dev"
		check "nothing is left of it" poll_until 30 none_in_flight
		check "they were marked" stat_is '.async >= 64'
	done
}
# stays PROGRAM END: as ends, in the background, of a drive that takes a minute for them
# until there is no need to wait: goes_quickly
stays() {
	stat_mark
	nvme_throttle 0 1
	: >said
	cg_start db "./$1" "$2" 64 "/dev/$dev" >said
	check "in flight: $2" poll_until 20 grep -q "in flight" said
	check "and marked" some_in_flight
	check "the timer runs" poll_until 5 grep -q backstop /proc/timer_list
}
goes_quickly() { nvme_throttle 0 400; }
# goes_on: what stays reaps them after all.
goes_on() {
	kill -USR1 "$CG_PID"
	wait "$CG_PID" || fail "it has not all when it goes on"
}

# ring_polled: rings are polled on this kernel. 6.1 has no function to wait in.
ring_polled() { [[ $(uname -r) != 6.1.* ]]; }

requires_forcepoll
program inflight inflight_uring ahead
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"
nvme_throttle 0 400

ends inflight reap poll user thread fork timeout signal cancel destroy exit exec
if ring_polled; then
	ends inflight_uring reap user share timeout
fi

stays inflight pause
kill -KILL "$CG_PID"
goes_quickly
check "nothing is left of who was killed" poll_until 30 none_in_flight

stays inflight sleep
kill -STOP "$CG_PID"
goes_quickly
check "nothing is left of who was stopped" poll_until 30 none_in_flight
kill -CONT "$CG_PID"
goes_on

stays inflight ptrace
goes_quickly
check "nothing is left of who is traced" poll_until 30 none_in_flight
goes_on

if ring_polled; then
	stays inflight_uring close
	goes_quickly
	check "nothing is left of a closed ring" poll_until 30 none_in_flight
	kill "$CG_PID"
fi

check "no timer runs for nothing" poll_until 5 eval '! grep -q backstop /proc/timer_list'

stays inflight sleep
expect_fail 1 "another forcepoll-loader is running" "$LOADER" stop
kill -INT "$LOADER_PID"
goes_quickly
wait "$LOADER_PID" || fail "the loader failed"
check "the module waits for them and goes" eval \
	'poll_until 20 [ ! -d /sys/module/forcepoll ]'
kill -USR1 "$CG_PID"
wait "$CG_PID" || fail "it has not all without forcepoll"

# Somebody who is no target waits for a page that a target has only read ahead.
loader_start --cgroup "$CGROOT/db"
nvme_throttle 0 50
echo 1 >/proc/sys/vm/drop_caches
stat_mark
cg_start db ./ahead "/dev/$dev" >said
check "read ahead" poll_until 20 grep -q "in flight" said
check "another one has it" timeout "$LIMIT" dd if="/dev/$dev" of=/dev/null bs=4k count=64
check "it was marked" stat_is '.async > 0'
kill "$CG_PID"
nvme_throttle 0 0

# Fewer tags than reads: they wait for one in io_submit().
requests=/sys/block/$dev/queue/nr_requests
defer eval "echo $(<"$requests") >$requests"
echo 4 >"$requests"
check "with four tags" cg_run db timeout "$LIMIT" ./inflight reap 64 "/dev/$dev"
check "only some were marked" stat_is '.skip_full > 0'
check "nothing is left" poll_until 30 none_in_flight

# A ring with IOPOLL has them all, nor does the drive's time-out look.
nvme_io_timeout "$dev" 600000
iopoll_keeps 0 4 "$dev"
stat_mark
check "read all the same" cg_run db taskset -c 0 timeout "$LIMIT" dd if="/dev/$dev" \
	of=/dev/null bs=4k count=1 iflag=direct
check "by interrupt" stat_is '.resubmitted == 1 and .unpolled == 1 and .polled == 0'
_end "$RING_PID"
loader_stop
