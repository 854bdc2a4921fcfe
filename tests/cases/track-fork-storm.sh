#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: keeps exact books over 5,000 short processes in a cgroup.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

# What came in less what went out is what is there. One that exits while it is
# added (gone) was counted neither in nor out.
balanced() {
	# shellcheck disable=SC2016 # jq's variables
	holds '.events as $e | (.targets | length) ==
		$e.fork_cgroup + $e.fork_follow + $e.cgroup_join + $e.seed_add +
		$e.exec_name + $e.fork_name - $e.exec_leave - $e.exit_target - $e.cgroup_leave' status.json
}

event() { holds ".events.$1" status.json; }

cg_make db
mkdir "$CGROOT/db/inner"
cg_start db sleep 1000
early=$CG_PID
loader_start --cgroup "$CGROOT/db"
cg_start db/inner sleep 1000
late=$CG_PID

storms=()
for cg in db db db/inner db db/inner; do
	cg_run $cg ./proc storm 1000 8 &
	storms+=($!)
done
for pid in "${storms[@]}"; do
	wait "$pid"
done

# The shell that joined to become the second sleep may still be on its way.
in_cgroup() { grep -qx "$late" "$CGROOT/db/inner/cgroup.procs"; }
check "the second sleep has joined" poll_until 30 in_cgroup
check "only those that live are targets: $(target_tgids | tr '\n' ' ')" [ \
	"$(target_tgids)" = "$(printf '%s\n' "$early" "$late" | sort)" ]
"$LOADER" status --json >status.json
check "the books balance" balanced
check "5000 were born in it" [ "$(event fork_cgroup)" = 5000 ]
check "6 joined" [ "$(event cgroup_join)" = 6 ]
check "5005 have left" [ "$(event exit_target)" = 5005 ]
for count in full failed gone; do
	check "not one $count" [ "$(event $count)" = 0 ]
done

kill "$early" "$late"
wait "$early" "$late" || :
check "none is left" [ -z "$(target_tgids)" ]
"$LOADER" status --json >status.json
check "the books balance" balanced
loader_stop
