#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: keeps exact books over a fork bomb that has reached pids.max, and over
# cgroups that are made again.
# TIMEOUT: 600
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

defer eval "echo -pids >$CGROOT/cgroup.subtree_control"
echo +pids >"$CGROOT/cgroup.subtree_control"
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
	echo 1 >"$CGROOT/db/cgroup.kill"
	check "all are dead" poll_until 60 empty
	check "all have gone" targets_are
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

# What was chosen is not chosen any more when it was removed: one of the same name is
# another one, to be chosen by another run.
rmdir "$CGROOT/db/inner" "$CGROOT/db"
mkdir -p "$CGROOT/db/inner"
explode db/inner
check "nobody is a target" targets_are
dead_again
loader_stop
loader_start --cgroup "$CGROOT/db"
explode db/inner
# shellcheck disable=SC2046
check "targets are those who live" targets_are $(sed 's/$/:2/' living)
dead_again
loader_stop
