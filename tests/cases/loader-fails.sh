#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: fails in the middle: what was there before goes on as it was, of
# the rest nothing stays; and is not in the way of a status, nor that in its.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# fails PATTERN ARGS...: the loader says so first, and exits with status 1.
fails() {
	local status=0
	"$LOADER" --module "$KO" "${@:2}" >out 2>err || status=$?
	check "status 1: $(head -n1 err)" [ $status = 1 ]
	check "$1" grep -qE -- "$1" <(head -n1 err)
}
rules() {
	local map
	for map in cgroups comms targets; do
		bpftool -j map dump pinned "$PINS/$map" | jq -c '.[] | [.key, .value]' | sort
	done
	head -n1 /sys/module/forcepoll/parameters/{mode,max_poll_cpu,max_poll_cpu_total}
}

requires_forcepoll
cg_make db && cg_make log && cg_make web
check "left in the background" "$LOADER" --module "$KO" --cgroup "$CGROOT/db" \
	--max-poll-cpu 10 --background
# Room for one more.
for ((i = 0; i < 1022; i++)); do
	echo "map update pinned $PINS/cgroups key $((i & 255)) $((i >> 8)) 0 0 0 0 0 7" \
		"value 0 0 0 0 0 0 0 0"
done >lines
check "nearly full" bpftool batch file lines
rules >before
fails "map cgroups: full" --mode poll --comm cat --cgroup "$CGROOT/log" \
	--cgroup "$CGROOT/web" --count-switches
check "it tells what is there still" grep -q "still there" err
check "all is as it was" diff before <(rules)
for map in switches beside; do
	check "its counters have gone: $map" [ ! -e "$PINS/$map" ]
done
check "also what said so" [ "$("$LOADER" status --json | jq -r .run)" = background ]

# Whoever looks whether it is held holds it meanwhile, too.
looks() {
	perl -MFcntl=:flock -MTime::HiRes=usleep -e 'until (-e "enough") {
		open(my $dir, "<", $ARGV[0]) && flock($dir, LOCK_SH | LOCK_NB);
		usleep(1000);
		undef $dir;
		usleep(1000);
	}' "$PINS"
}
looks &
looks=$!
defer touch "$CASE_TMP/enough"
for i in 1 2 3; do
	check "taken over, $i" "$LOADER" --module "$KO" --cgroup "$CGROOT/db" --background
done
touch enough
wait $looks || :

# Another version may have had the same sizes for something else.
state() { bpftool map update pinned "$PINS/state" key 0 0 0 0 value "$1" 0 0 0 3 0 0 0 1 0 0 0 0 0 0 0; }
check "as if of another version" state 1
fails "left by another version" --cgroup "$CGROOT/db"
check "that goes on" [ "$("$LOADER" status --json | jq .bound)" = true ]
check "stopped" "$LOADER" stop
check "the module has gone" [ ! -d /sys/module/forcepoll ]

# What one that was killed before it was bound has left is no run that could go on.
full=()
for ((i = 0; i <= 1024; i++)); do
	full+=(--comm "fp-$i")
done
for step in state attach; do
	status=0
	FORCEPOLL_DIE_AT=$step "$LOADER" --module "$KO" --cgroup "$CGROOT/db" || status=$?
	check "killed at $step" [ $status = 137 ]
	fails "map comms: full" "${full[@]}"
	check "it tells what it removes" grep -q "was not bound: removed" err
	check "the module has gone" [ ! -d /sys/module/forcepoll ]
	check "and the pins" [ ! -e "$PINS" ]
done

# What it has attached to the module is let go first.
kptr=$(</proc/sys/kernel/kptr_restrict)
defer sysctl -qw kernel.kptr_restrict="$kptr"
sysctl -qw kernel.kptr_restrict=2
fails "kallsyms" --cgroup "$CGROOT/db" --explain --count-switches
check "the module has gone" [ ! -d /sys/module/forcepoll ]
check "and the pins" [ ! -e "$PINS" ]
sysctl -qw kernel.kptr_restrict="$kptr"

# Nobody takes what it prints.
status=0
"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --interval 0.1 >/dev/full 2>err || status=$?
check "status 1: $(tail -n1 err)" [ $status = 1 ]
check "said" grep -q "stdout: No space" err
status=0
"$LOADER" trace --all --duration 1 >/dev/full 2>err || status=$?
check "status 1: $(tail -n1 err)" [ $status = 1 ]
check "said, once" [ "$(grep -c "stdout: No space" err)" = 1 ]
