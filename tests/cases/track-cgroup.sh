#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: knows who is in one of two chosen cgroups, however they came.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

threads_of() {
	local dirs=("/proc/$1/task/"*)
	printf '%s\n' "${dirs[@]##*/}"
}
has_threads() { [ "$(threads_of "$1" | wc -l)" = "$2" ]; }

cg_make db && cg_make log && cg_make other
mkdir "$CGROOT/db/old"
cg_start other sleep 1000
p=$CG_PID
cg_start db/old sleep 1000
old=$CG_PID
check "they are there" poll_until 30 cg_has "$p" other
check "they are there" poll_until 30 cg_has "$old" db/old
loader_start --cgroup "$CGROOT/db" --cgroup "$CGROOT/log"
check "who was inside" targets_are "$old:2"

# Join, move about, leave. The tracepoint is part of the move: no waiting.
cg_move "$p" db
check "who joins" targets_are "$old:2" "$p:2"
mkdir -p "$CGROOT/db/new/newer"
for cg in db/old db/new/newer log db/new db; do
	cg_move "$p" $cg
	check "who moves to $cg" targets_are "$old:2" "$p:2"
done
cg_move "$p" other
check "who leaves" targets_are "$old:2"
check "all of it was counted" [ \
	"$(event cgroup_join) $(event cgroup_stay) $(event cgroup_leave)" = "1 5 1" ]

# A process of several threads, by its number and by that of a thread.
cg_start other ./proc threads 3
check "threads" poll_until 30 has_threads "$CG_PID" 4
for number in "$CG_PID" "$(threads_of "$CG_PID" | tail -n1)"; do
	cg_move "$number" db
	check "threads join" targets_are "$old:2" "$CG_PID:2"
	cg_move "$number" other
	check "threads leave" targets_are "$old:2"
done

# Born inside, of a parent outside.
born=$(event fork_cgroup)
cg_start other ./proc into "$CGROOT/db/new" sleep 1000
check "a child" poll_until 30 pgrep -P "$CG_PID"
check "who is born inside" targets_are "$old:2" "$(pgrep -P "$CG_PID"):2"
check "as a child" [ $(($(event fork_cgroup) - born)) = 1 ]
pkill -P "$CG_PID"
wait "$CG_PID"

# However deep.
deep=db$(printf '/%d' {1..100})
mkdir -p "$CGROOT/$deep"
cg_move "$p" "$deep"
check "who joins, 100 below" targets_are "$old:2" "$p:2"
born=$(event fork_cgroup)
cg_run "$deep" bash -c '/bin/true; :'
check "who is born there" [ "$(event fork_cgroup)" -gt "$born" ]
cg_move "$p" other
check "who leaves from there" targets_are "$old:2"
loader_stop
