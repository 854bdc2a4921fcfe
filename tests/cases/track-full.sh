#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts and reports whom it cannot add to a full map.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program fill

# Everything is asked of one answer, and of what matters in it: with a full map it is
# 10 MB, which take their time, a debug kernel's minutes.
ask() {
	status '{bound, events, number: (.targets | length),
		targets: (.targets | map(select(.tgid < 8388608)))}' >status.json
}
event() { holds ".events.$1" status.json; }
is_target() {
	holds "any(.targets[]; .tgid == $1)" status.json >/dev/null
}
is_no_target() { ! is_target "$1"; }
told_of() { # TIMES
	"$LOADER" status >said || return
	[ "$(grep -c "NOT ADDED: the map of targets is full" said)" = "$1" ]
}
is_in() { grep -qx "$1" "$CGROOT/$2/cgroup.procs"; }

cg_make db
cg_start db sleep 1000
first=$CG_PID
check "it is there" poll_until 30 is_in "$first" db
"$LOADER" --module "$KO" --background --cgroup "$CGROOT/db"
skip_busy N
defer "$LOADER" -q stop

# Numbers that no process has.
base=$((1 << 23))
made=$(./fill "$PINS/targets" $base 70000)
check "65,536 fit, one was in: $made" [ "$made" = 65535 ]
check "there is nothing to report" told_of 0

cg_start db sleep 1000
second=$CG_PID
check "the second one is in" poll_until 30 is_in "$second" db
check "it runs" poll_until 30 grep -qx sleep "/proc/$second/comm"
check "a child works" cg_run db bash -c '/bin/true; :'
ask
check "all are listed" [ "$(jq .number status.json)" = 65536 ]
check "it is no target" is_no_target "$second"
full=$(event full)
check "two who joined and a child were counted, each again at its exec: $full" [ \
	"$full $(event failed)" = "6 0" ]
check "status says it" told_of 1

# A PID cannot be added either, and the loader says so. It looks again for who is in the
# chosen cgroup, as they may have come meanwhile: the second one is left out once more.
status=0
"$LOADER" --module "$KO" --pid $$ 2>said || status=$?
check "no room for a PID: $(<said)" \
	grep -q "^forcepoll-loader: $$: map targets: full" said
check "it fails" [ "$status" = 1 ]

# What is full can be emptied, by exit and by hand.
kill "$first"
wait "$first" || :
check "an exit makes room for one" \
	[ "$(./fill "$PINS/targets" $((base + 65535)) 10)" = 1 ]
check "all can go" [ "$(./fill -d "$PINS/targets" $base 65536)" = 65536 ]
cg_start db sleep 1000
check "the third one is in" poll_until 30 is_in "$CG_PID" db
ask
check "the run goes on" [ "$(jq .bound status.json)" = true ]
check "the third one is a target" is_target "$CG_PID"
check "the first one is not" is_no_target "$first"
check "nobody else was left out" [ "$(event full) $(event failed)" = "$((full + 1)) 0" ]
