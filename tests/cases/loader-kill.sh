#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader: polling and following go on, a new run takes
# over or stop ends it.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=/dev/$(nvme_dev)
status_is() { [ "$("$LOADER" status --json | jq -r "$1")" = "$2" ]; }
polled_more() { (($(stat_get polled) > polled)); }
is_target() { status_is "any(.targets[]; .tgid == $1)" true; }
fio_start() {
	cg_start "$1" fio --name=case --thread --filename="$dev" --readonly \
		--direct=1 --rw=randread --bs=4k --ioengine=psync --time_based \
		--runtime=3600 --output=/dev/null
}
# It has not ended by itself, and polling grows.
goes_on() {
	polled=$(stat_get polled)
	check "$1" poll_until 60 polled_more
}
# TERM does not come in the way of what is tested.
loader_kill() {
	kill -KILL "$LOADER_PID"
	wait "$LOADER_PID" || :
}

cg_make db && cg_make log
fio_start db
fio=$CG_PID
loader_start --cgroup "$CGROOT/db"
goes_on "fio is polled"
check "a loader is running" status_is .run running
loader_kill
check "it is orphaned" status_is .run orphaned
check "in words too" grep -q "ORPHANED" <("$LOADER" status)
goes_on "fio is polled still"
cg_start db sleep 1000
sleep=$CG_PID
check "who joins is a target" poll_until 30 is_target "$sleep"
kill "$sleep"
wait "$sleep" || :
check "who exits is none" status_is '.targets | length' 1

# A new run, of another cgroup: it adds to what is there.
polled=$(stat_get polled)
loader_start --cgroup "$CGROOT/log"
check "it says so" grep -q "took over a run that was left" loader.stderr
check "a loader is running" status_is .run running
check "the counters go on" [ "$(stat_get polled)" -ge "$polled" ]
check "fio is a target" is_target "$fio"
goes_on "fio is polled still"
for cg in db log; do
	cg_start $cg sleep 1000
	check "who joins $cg is a target" poll_until 30 is_target "$CG_PID"
done
loader_stop
check "its end undoes both: no pins" [ ! -e "$PINS" ]
check "no module" [ ! -d /sys/module/forcepoll ]
check "no run" status_is .run none

# Orphan, then stop
loader_start --cgroup "$CGROOT/db"
loader_kill
goes_on "fio is polled"
check "stop" "$LOADER" stop
check "it undoes all: no pins" [ ! -e "$PINS" ]
check "no module" [ ! -d /sys/module/forcepoll ]
check "fio is there" kill -0 "$fio"

# By name, taken over by a run of a cgroup: its programs look for names still.
cp "$(command -v sleep)" fp-comm
cp fp-comm fp-exe
loader_start --comm fp-comm --exe fp-exe
loader_kill
loader_start --cgroup "$CGROOT/log"
for name in fp-comm fp-exe; do
	./$name 1000 &
	named=$!
	defer _end "$named"
	check "who runs $name is a target" poll_until 30 is_target "$named"
done
loader_stop

# Before it has looked at all children: what it has told its programs for that time ends.
seeding() {
	bpftool -j map dump name targets_.bss |
		jq -c '[.. | objects | select(has("seeding")).seeding]'
}
status=0
FORCEPOLL_DIE_AT=entry "$LOADER" --module "$KO" --pid "$fio" --follow-forks || status=$?
check "killed at its first entry" [ $status = 137 ]
check "fio is a target" is_target "$fio"
no_seed() { [ "$(seeding)" = "[0]" ]; } # what was before is freed a little later
check "no seed is on its way" poll_until 30 no_seed
check "stop" "$LOADER" stop
