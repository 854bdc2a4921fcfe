#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes no process for another that had its number before.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

# Another has the number when it becomes a target, than had it when it was looked for.
modprobe_after "touch $CASE_TMP/waits; until [[ -e $CASE_TMP/go ]]; do sleep 0.1; done"
sleep 1000 &
number=$!
PATH=$CASE_TMP/bin:$PATH "$LOADER" --pid $number --follow-forks 2>err &
loader=$!
defer _end $loader
defer touch go # until modprobe has ended the loader takes no signal
check "it has looked" poll_until 60 test -e waits
kill $number
wait $number || :
./proc as $number sleep 1000 &
defer _end $!
defer kill $number
check "another has that number" poll_until 30 grep -qx sleep /proc/$number/comm
touch go
check "that is not taken for it" poll_until 60 grep -q "PID $number has exited" err
status=0
wait $loader || status=$?
check "status 1" [ $status = 1 ]
check "nothing is left" [ ! -e "$PINS" ]

# Those of the kernel are there already; of the others some 400 are left, whose numbers
# come again and again.
defer sysctl -qw "kernel.pid_max=$(sysctl -n kernel.pid_max)"
sysctl -qw kernel.pid_max=700

inside() { sed 's/$/:2/' "$CGROOT/db/cgroup.procs"; }
done_all() { [[ -s wrapped.db && -s wrapped.other ]]; }

cg_make db && cg_make other
loader_start --cgroup "$CGROOT/db"
for round in 1 2 3; do
	rm -f wrapped.*
	for cg in db other; do
		[[ $cg == db ]] && to=other || to=db
		cg_start "$cg" ./proc wrap 3 32 "$CGROOT/$to" >"wrapped.$cg"
	done
	check "round $round: numbers come again" poll_until 90 done_all
	lived=$(cat wrapped.*)
	check "of more processes than there are numbers: ${lived//$'\n'/, }" \
		[ $((${lived/$'\n'/+})) -gt 500 ]
	check "who moved is there" [ "$(wc -l <"$CGROOT/db/cgroup.procs")" = 33 ]
	# shellcheck disable=SC2046 # one word a process
	check "targets are who is in the cgroup, and nobody else" targets_are $(inside)
	for cg in db other; do
		echo 1 >"$CGROOT/$cg/cgroup.kill"
		poll_until 30 grep -q "populated 0" "$CGROOT/$cg/cgroup.events"
	done
	check "none is left" targets_are
done
check "nobody was left out" status '.events | .full == 0 and .failed == 0'
check "all came and went" status '.events | .fork_cgroup + .cgroup_join ==
	.exit_target + .cgroup_leave and .cgroup_join > 300 and .cgroup_leave > 300'
loader_stop
