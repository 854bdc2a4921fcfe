#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: has requests time out until the driver resets the controller, under load.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

WAYS=(direct aio mmap ahead write)

resets() { dmesg | grep -c "nvme $ctrl: .* timeout, reset controller" || :; }
more_resets() { (($(resets) > $1)); }

# times_out: what comes of loads that have a dozen requests in flight, of which the drive
# does one a second, until it has been reset. No slower: QEMU deletes a queue only when
# all that it holds back is done, and does nothing else meanwhile.
times_out() {
	local way pids=() at=0 before pid status
	before=$(resets)
	host "throttle 0 1" >/dev/null
	for way in "${WAYS[@]}"; do
		cg_run db timeout "$LIMIT" ./blocks "$way" 4096 "/dev/$dev" $at 16 \
			>"out.$way" &
		pids+=($!)
		at=$((at + 64)) # what one has in memory the other must not find
	done
	poll_until 60 more_resets "$before" || return
	host "throttle 0 0" >/dev/null
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		echo "status $status"
	done
	cat "${WAYS[@]/#/out.}"
}

requires_forcepoll
program blocks
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 1000
defer host "throttle 0 0"
check "fill" ./blocks write 65536 "/dev/$dev" 0 32
cg_make db
times_out >without || fail "no reset without forcepoll"
check "without: no errors" [ "$(grep -c '^status 0$' without)" = ${#WAYS[@]} ]

loader_start --cgroup "$CGROOT/db"
for i in 1 2; do
	stat_mark
	times_out >with || fail "no reset"
	check "the same as without" diff without with
	check "polled, or would have been" stat_is '.polled + .unpolled > 30'
done
stat_mark
for way in "${WAYS[@]}"; do
	check "$way goes on" cg_run db ./blocks "$way" 4096 "/dev/$dev" 0 128
done
check "polled" stat_is '.read > 200 and .write > 100 and .fault > 80 and .async > 50'
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
