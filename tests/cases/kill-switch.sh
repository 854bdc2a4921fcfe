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

read_start "$dev"
# From the next tick on; what was in flight has been completed.
does_not() {
	check "$1: nothing is in flight" poll_until 20 status \
		'.bios_in_flight == 0 and .inflight == 0'
	stat_mark
	progress "$dev" "$1"
	progress "$dev" "$1"
	check "$1: nothing is polled" stat_is '.submitted == 0 and .polled == 0'
	check "status says so" grep -q "^module: .*SWITCHED OFF" <("$LOADER" status)
	check "to programs, too" status '.enabled == false and .bound'
}

does_not "off from the start"
echo Y >"$switch"
read_polled "on"
echo N >"$switch"
does_not "off under load"
echo Y >"$switch"
read_polled "on again"
check "both went on" read_on

kill "${READERS[@]}"
wait "${READERS[@]}" || :
loader_stop
# When the program that asked it to let go is gone, some time after it is closed.
check "the module goes" poll_until 30 rmmod forcepoll
