#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves a run in the background, takes it over, stops it; and two
# loaders at once.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=/dev/$(nvme_dev)
status_is() { [ "$("$LOADER" status --json | jq -r "$1")" = "$2" ]; }
polled_more() { (($(stat_get polled) > polled)); }
goes_on() {
	polled=$(stat_get polled)
	check "$1" poll_until 60 polled_more
}
undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
snapshot() {
	bpftool link list -j
	local map
	for map in state cgroups devices comms exes; do
		bpftool map dump -j pinned "$PINS/$map"
	done
	ls "$PINS"
	"$LOADER" status --json | jq -c '[.run, .targets, .targets_map_id]'
	grep . /sys/module/forcepoll/parameters/{mode,max_poll_cpu,max_poll_cpu_total}
}

cg_make db
cg_start db fio --name=case --thread --filename="$dev" --readonly --direct=1 \
	--rw=randread --bs=4k --ioengine=psync --time_based --runtime=3600 \
	--output=/dev/null

check "it goes into the background" \
	"$LOADER" --module "$KO" --background --cgroup "$CGROOT/db"
skip_busy N
defer "$LOADER" -q stop
check "status says so" status_is .run background
goes_on "fio is polled"
check "stop" "$LOADER" stop
check "it undoes all" undone
"$LOADER" stop 2>said
check "stop again: $(<said)" grep -q "^forcepoll-loader: nothing to stop" said

# A loader in the foreground takes a background run over, and ends it.
"$LOADER" --module "$KO" -q --background --cgroup "$CGROOT/db"
skip_busy N
map=$("$LOADER" status --json | jq .targets_map_id)
loader_start --cgroup "$CGROOT/db" --max-bytes 8192
check "who is there has its limit" status_is '.targets[0].max_bytes' 8192
check "it says so" grep -q "took over a run that was left" loader.stderr
check "a loader is running" status_is .run running
check "the map is the same" status_is .targets_map_id "$map"
goes_on "fio is polled"

# Two at once: the second is refused, stop too.
cg_make other
before=$(snapshot)
for words in "--module $KO --cgroup $CGROOT/other" \
	"--module $KO --background --all" stop; do
	# shellcheck disable=SC2086 # words
	expect_fail 1 "^forcepoll-loader: another forcepoll-loader is running" \
		"$LOADER" $words
done
check "nothing has changed" [ "$(snapshot)" = "$before" ]
# Nor with pins of its own: there is one module.
expect_fail 1 "^forcepoll-loader: .*another forcepoll is bound" "$LOADER" \
	--pin-dir /sys/fs/bpf/second --cgroup "$CGROOT/other" --max-poll-cpu 30
check "no pins of the second are left" [ ! -e /sys/fs/bpf/second ]
check "the first has not changed" [ "$(snapshot)" = "$before" ]
goes_on "fio is polled"
loader_stop
check "its end undoes all" undone

# A run in the background is as it was when one that would take it over cannot start.
defer eval "echo $(</proc/sys/kernel/kptr_restrict) >/proc/sys/kernel/kptr_restrict"
"$LOADER" --module "$KO" -q --background --cgroup "$CGROOT/db" --mode poll --max-poll-cpu 30
skip_busy N
whole() { snapshot | tail -n +2; } # but for the links
before=$(whole)
who=(--all) by=()
fails() {
	local status=0
	"${by[@]}" "$LOADER" --module "$KO" "${who[@]}" --max-poll-cpu-total 50 "${@:2}" 2>err || status=$?
	check "refused: $1" [ "$status $(grep -c "$1" err)" = "1 1" ]
	check "it says what goes on" grep -q "what was left in $PINS is still there" err
	check "nothing has changed" [ "$(whole)" = "$before" ]
}
echo 2 >/proc/sys/kernel/kptr_restrict
fails "kptr_restrict" --count-switches
[[ $(uname -r) == 6.1.* ]] || # it has no policies
	fails "the kernel refuses it" --policy "$TOP/build/tests/policy_write.bpf.o"
# Nor who is a target when all had been chosen: a cgroup's processes, a PID's children, and
# those that were there. A signal waits for it until then.
told=(env --block-signal=TERM sh -c 'kill -TERM $$; exec "$@"' sh)
by=("${told[@]}")
cg_start other bash -c 'sleep 1000 & wait'
has_child() { pgrep -P "$CG_PID" >/dev/null; }
check "one with a child" poll_until 30 has_child
for words in "-c $CGROOT/other" "-p $CG_PID -f" "-c $CGROOT/db -d ${dev#/dev/}" \
	"-c $CGROOT/db -m 4K"; do
	read -ra who <<<"$words"
	fails Terminated --background
done
goes_on "fio is polled"
check "stop" "$LOADER" stop
check "it undoes all" undone

# A run that is taken over into the background stays.
loader_start --cgroup "$CGROOT/db"
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
"$LOADER" --module "$KO" -q --background --cgroup "$CGROOT/db"
skip_busy N
check "an orphan is adopted into the background" status_is .run background
check "stop" "$LOADER" stop
check "it undoes all" undone

# A signal that comes during a start ends it.
expect_fail 1 "^forcepoll-loader: Terminated" "${told[@]}" \
	"$LOADER" --module "$KO" --background --cgroup "$CGROOT/db"
check "nothing is left" undone
