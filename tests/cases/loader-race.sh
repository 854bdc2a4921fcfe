#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and stops loaders at once, again and again: there is one at a time, and the others say so.
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

# races N: until so many have been ready, of all.
races() {
	local pid said=said.$1 status
	while [[ $(cat ready.* | wc -l) -lt 12 ]]; do
		: >"$said"
		"$LOADER" --module "$KO" --cgroup "$CGROOT/db" 2>"$said" &
		pid=$! status=0
		poll_until 100 eval "grep -q ^forcepoll-loader:.ready $said ||
			[[ ! -d /proc/$pid ]]"
		if grep -q "^forcepoll-loader: ready" "$said"; then
			# Nobody else has it as long as this one is ready.
			flock -n 9 || { echo "$1: two at once" && return 1; }
			echo "$1" >>"ready.$1"
			after 0.3
			flock -u 9
			kill "$pid"
			wait "$pid" || { echo "$1: it ended with $?" && return 1; }
		else
			wait "$pid" || status=$?
			if ((status != 1)) || ! grep -qE "$refused" "$said" ||
				(($(wc -l <"$said") != 1)); then
				echo "$1: status $status" && cat "$said" && return 1
			fi
		fi
	done
} 9>>ready.lock

refused="^forcepoll-loader: another forcepoll-loader is running"

requires_forcepoll
cg_make db
racers=()
for n in 1 2 3; do
	: >ready.$n
done
for n in 1 2 3; do
	races $n >out.$n 2>&1 &
	racers+=($!)
	defer _end $!
done
for n in 1 2 3; do
	wait "${racers[n - 1]}" || fail "$(cat out.$n)"
done
check "each had its turn, or two of them" [ "$(cat ready.* | sort -u | wc -l)" -ge 2 ]
check "no pins are left" [ ! -e "$PINS" ]
check "nor is the module" [ ! -d /sys/module/forcepoll ]
