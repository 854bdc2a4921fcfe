#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: switches polling off and on by the module's parameter alone.
# TIMEOUT: 200
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
switch=/sys/module/forcepoll/parameters/enabled
cg_make db
insmod "$KO" enabled=N
loader_start --cgroup "$CGROOT/db"
check "who begins while it is off is told" grep -q "nothing is polled" loader.stderr

load() {
	cg_start db fio --name=j --thread --filename="/dev/$dev" --readonly --direct=1 \
		--rw=randread --bs=4k --time_based --runtime=600 --output=/dev/null "$@"
}
load --ioengine=psync
sync=$CG_PID
load --ioengine=libaio --iodepth=8
async=$CG_PID
polls() {
	stat_mark
	check "$1" poll_until 60 stat_is '.polled > 100 and .async > 100'
}
# From the next tick on; what was in flight has been completed.
none_in_flight() { [[ $(in_flight) == 0 ]]; }
does_not() {
	check "$1: nothing is in flight" poll_until 20 none_in_flight
	stat_mark
	progress "$dev" "$1"
	progress "$dev" "$1"
	check "$1: nothing is polled" stat_is '.submitted == 0 and .polled == 0'
	check "status says so" grep -q "^module: .*SWITCHED OFF" <("$LOADER" status)
	check "to programs, too" jq -e '.enabled == false and .bound' \
		<("$LOADER" status --json)
}

does_not "off from the start"
echo Y >"$switch"
polls "on"
echo N >"$switch"
does_not "off under load"
echo Y >"$switch"
polls "on again"
check "both went on" kill -0 "$sync" "$async"

kill "$sync" "$async"
wait "$sync" "$async" || :
loader_stop
rmmod forcepoll
