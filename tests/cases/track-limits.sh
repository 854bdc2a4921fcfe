#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: keeps exact books over a fork bomb that has reached pids.max, over cgroups
# that are made again, and where the map has no room for them all.
# TIMEOUT: 600
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc fill

cg_controllers pids
inside() { find "$CGROOT/db" -name cgroup.procs -exec cat {} +; }
events() { sed -n "s/^$2 //p" "$CGROOT/$1"; }
frozen() { [ "$(events db/cgroup.events frozen)" = "$1" ]; }
freeze() {
	echo "$1" >"$CGROOT/db/cgroup.freeze"
	poll_until 60 frozen "$1"
}
refused() { (($(events db/pids.events max) >= refused)); }
empty() { [ "$(events db/cgroup.events populated)" = 0 ]; }

# explode CGROUP: there, until nobody has room for 100 children more.
explode() {
	echo 64 >"$CGROOT/db/pids.max"
	refused=$(($(events db/pids.events max) + 100))
	cg_start "$1" ./proc bomb
	check "$1: no room" poll_until 60 refused
	check "all stand still" freeze 1
	inside | sort >living
	check "$(wc -l <living) processes" [ "$(wc -l <living)" -gt 16 ]
}

# die: all of them, and none is a target afterwards.
die() {
	killed
	check "all have gone" targets_are
}
killed() {
	echo 1 >"$CGROOT/db/cgroup.kill"
	check "all are dead" poll_until 60 empty
}
# Nobody is there, so whoever came has left.
balanced() {
	check "as many have left as came" status '.events |
		.fork_cgroup + .cgroup_join == .exit_target and .failed == 0'
}
dead_again() {
	check "they go on" freeze 0
	die
}

cg_make db
mkdir "$CGROOT/db/inner"
loader_start --cgroup "$CGROOT/db"
explode db
# shellcheck disable=SC2046 # one word a process
check "targets are those who live" targets_are $(sed 's/$/:2/' living)
# Killed where they stand, and in the middle of it.
die
check "it can go on" freeze 0
echo 64 >"$CGROOT/db/pids.max"
refused=$(($(events db/pids.events max) + 100))
cg_start db ./proc bomb
check "no room" poll_until 60 refused
die

# A new cgroup below is as the one before.
rmdir "$CGROOT/db/inner"
mkdir "$CGROOT/db/inner"
explode db/inner
# shellcheck disable=SC2046
check "targets are those who live" targets_are $(sed 's/$/:2/' living)
dead_again
check "nobody was left out" [ "$(event full) $(event failed)" = "0 0" ]
check "many came" [ "$(event fork_cgroup)" -gt 300 ]

# One that is made again is another one: it is found.
rmdir "$CGROOT/db/inner" "$CGROOT/db"
mkdir -p "$CGROOT/db/inner"
check "found again" poll_until 30 grep -q "db was made again" loader.stderr
explode db/inner
# shellcheck disable=SC2046
check "targets are those who live" targets_are $(sed 's/$/:2/' living)
dead_again

# With room for 20 in the map, the others filled with numbers that no process has.
base=$((1 << 23)) filled=$((65536 - 20))
check "room for 20" [ "$(./fill "$PINS/targets" $base $filled)" = $filled ]
explode db/inner
"$LOADER" status --json >status.json
jq -r ".targets[].tgid | select(. < $base)" status.json | sort >in
n=$(wc -l <in)
check "some are targets: $n" [ "$n" -gt 0 -a "$n" -le 20 ]
check "all of these live" [ -z "$(comm -23 in living)" ]
full=$(jq .events.full status.json)
check "more were left out, and counted: $full" [ "$full" -gt 20 ]
check "they go on" freeze 0
killed
check "the others are there" [ "$(./fill -d "$PINS/targets" $base $filled)" = $filled ]
check "and nobody else" targets_are
balanced
loader_stop
