#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader at many points of its start: stop, or a new run,
# leaves nothing behind.
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

clean() {
	[[ ! -d /sys/module/forcepoll && ! -e $PINS ]] &&
		[ "$(bpftool link list -j)" = "$links" ]
}
links=$(bpftool link list -j)
stopped() {
	"$LOADER" -q stop
	# A dead loader's programs are freed after it.
	poll_until 10 clean
}
# The time is what is varied, not what is waited for.
after() { read -rt "$1" -u "$_never" || :; }

# How long a start takes here
began=${EPOCHREALTIME/./}
cg_make db
loader_start --cgroup "$CGROOT/db"
whole=$((${EPOCHREALTIME/./} - began))
loader_stop

points=12
for ((i = 0; i < points; i++)); do
	us=$((whole * i / points))
	"$LOADER" --module "$KO" -q --cgroup "$CGROOT/db" &
	pid=$!
	defer _end "$pid"
	after "$((us / 1000000)).$(printf %06d $((us % 1000000)))"
	kill -KILL "$pid"
	wait "$pid" || :
	state=$(find "$PINS" -printf '%f ' 2>/dev/null || :)
	[[ ! -d /sys/module/forcepoll ]] || state+="module"
	if ((i % 2)); then
		loader_start --cgroup "$CGROOT/db"
		loader_stop
		check "killed after $us us ($state): a new run ends clean" \
			poll_until 10 clean
	else
		check "killed after $us us ($state): stop ends clean" stopped
	fi
done
