#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills, freezes and thaws tasks that poll.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

none_polls() { [[ $("$LOADER" status --json | jq .inflight) == 0 ]]; }
event() {
	poll_until 30 grep -qx "$1" "$CGROOT/victims/cgroup.events" || fail "not $1"
}
victims() {
	cg_start victims fio --name=j --filename="/dev/$dev" --readonly --direct=1 \
		--ioengine=psync --rw=randread --bs=4k --numjobs=6 --time_based \
		--runtime=1h --output=/dev/null
	poll_until 30 grep -q . "$CGROOT/victims/cgroup.procs"
	progress "$dev" "of the victims"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
cg_make victims
loader_start --cgroup "$CGROOT/db" --cgroup "$CGROOT/victims"
for ((i = 0; i < 6; i++)); do
	stat_mark
	victims
	if ((i == 0)); then # the others are beside those who verify
		check "victims are polled" poll_until 30 stat_is '.polled > 100'
		verify_start "$dev" --numjobs=2 --offset=16M --offset_increment=8M
	fi
	if ((i % 2)); then
		echo 1 >"$CGROOT/victims/cgroup.kill"
	else
		xargs kill -KILL <"$CGROOT/victims/cgroup.procs" || :
		echo 1 >"$CGROOT/victims/cgroup.kill" # who was being born
	fi
	event "populated 0"
done
echo "ok: killed"

victims
for ((i = 0; i < 5; i++)); do
	echo 1 >"$CGROOT/victims/cgroup.freeze"
	event "frozen 1"
	echo 0 >"$CGROOT/victims/cgroup.freeze"
	event "frozen 0"
	progress "$dev" "after thaw $i"
done
echo 1 >"$CGROOT/victims/cgroup.freeze"
event "frozen 1"
verify_stop
check "the frozen hold nothing" poll_until 10 none_polls
echo 1 >"$CGROOT/victims/cgroup.kill"
event "populated 0"
loader_stop
