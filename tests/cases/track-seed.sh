#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: misses nobody between the programs' start and the list of those
# who run already, in the middle of a storm.
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

in_cgroups() { cat "$CGROOT/db/cgroup.procs" "$CGROOT/db/inner/cgroup.procs" | sort; }
frozen() { grep -qx "frozen $1" "$CGROOT/db/cgroup.events"; }
freeze() {
	echo "$1" >"$CGROOT/db/cgroup.freeze"
	poll_until 60 frozen "$1"
}

cg_make db
mkdir "$CGROOT/db/inner"
cg_start db ./proc storm 100000000 2
cg_start db/inner ./proc storm 100000000 2

# Frozen, they stand still wherever they are.
for ((round = 1; round <= 3; round++)); do
	loader_start --cgroup "$CGROOT/db"
	check "round $round: all stand still" freeze 1
	inside=$(in_cgroups)
	check "$(wc -l <<<"$inside") processes, all of them targets" [ \
		"$(target_tgids)" = "$inside" ]
	check "they go on" freeze 0
	"$LOADER" status --json >status.json
	check "they were there, or were born" holds \
		'.events | .seed_add > 0 and .fork_cgroup > 0' status.json
	check "nobody was left out" holds \
		'.events | .full == 0 and .failed == 0' status.json
	loader_stop
done
