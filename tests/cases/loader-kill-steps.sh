#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader after each step of its starts and stops: stop, or a new
# run, leaves nothing behind.
# SET: slow
# TIMEOUT: 1200
set -eu
. "$(dirname "$0")/../lib.sh"

clean() {
	[[ ! -d /sys/module/forcepoll && ! -e $PINS ]] &&
		[ "$(bpftool link list -j)" = "$links" ]
}
# ends_clean WHAT: by stop one time, by a new run the next time. A dead loader's
# programs are freed after it.
ends_clean() {
	if ((turn++ % 2)); then
		loader_start "${run[@]}"
		kill "$LOADER_PID"
		wait "$LOADER_PID" || fail "$1: the new run has failed"
		check "$1: a new run ends clean" poll_until 10 clean
	else
		"$LOADER" -q stop
		check "$1: stop ends clean" poll_until 10 clean
	fi
}
# On the other kernel a step has the other of these.
turns() {
	turn=0
	[[ $(uname -r) != 6.1.* ]] || turn=1
}

# steps_of FILE: numbered, as FORCEPOLL_DIE_AT takes them.
steps_of() { awk '/^step: / { print $2 ":" ++n[$2] }' "$1"; }
# has N NAME...: so many steps at least, and some of each name.
has() {
	local name
	steps_of loader.stderr >steps
	check "steps: $(wc -l <steps)" [ "$(wc -l <steps)" -ge "$1" ]
	for name in "${@:2}"; do
		check "there is $name" grep -q "^$name:" steps
	done
}
die_at() { FORCEPOLL_STEPS=list FORCEPOLL_DIE_AT=$1 "${@:2}"; }
# dies STEP ARGS...: a loader does, there and nowhere else.
dies() {
	local status=0
	die_at "$1" "$LOADER" "${@:2}" 2>loader.stderr || status=$?
	dead "$1" $status
}
dead() {
	check "killed at $1" [ "$2" = 137 ]
	check "that was its last step" [ "$(steps_of loader.stderr | tail -n1)" = "$1" ]
}

background() {
	"$LOADER" --module "$KO" -q --background "${run[@]}"
}
# Whoever joins is a target, who exits is none, and it is bound.
goes_on() {
	cg_start db sleep 1000
	check "$1: who joins is a target" poll_until 30 targets_are "$CG_PID:2"
	kill "$CG_PID"
	wait "$CG_PID" || :
	check "$1: who exits is none" targets_are
	check "$1: it is bound" status .bound
}

requires_forcepoll
links=$(bpftool link list -j)
cg_make db
run=(--cgroup "$CGROOT/db")
full=("${run[@]}" --device "$(nvme_dev)")
[[ $(uname -r) == 6.1.* ]] || full+=(--policy "$TOP/build/bpf/policy_example.o")

# A run, from its start to its end by a signal.
FORCEPOLL_STEPS=list loader_start "${full[@]}"
start=$(steps_of loader.stderr | wc -l)
loader_stop
check "nothing is left" poll_until 10 clean
has 41 mkdir lock pin rename state load parameter maps attach entry seed bind \
	release unpin unload rmdir
turns
for step in $(<steps); do
	if ((start-- > 0)); then
		dies "$step" --module "$KO" "${full[@]}"
	else
		die_at "$step" loader_start "${full[@]}"
		status=0
		kill "$LOADER_PID"
		wait "$LOADER_PID" || status=$?
		dead "$step" $status
	fi
	ends_clean "run, $step"
done

# libbpf pins the maps, one after the other, in one step: here it got to some only.
turns
maps=(targets devices cgroups comms exes events)
for n in "${!maps[@]}"; do
	dies maps:1 --module "$KO" "${run[@]}"
	check "maps and the state" [ "$(find "$PINS" -type f | wc -l)" = $((${#maps[@]} + 1)) ]
	(cd "$PINS" && rm "${maps[@]:n}")
	ends_clean "run, $n maps"
done

# A run that takes over one in the background, which goes on all the time.
background
FORCEPOLL_STEPS=list loader_start "${run[@]}"
has 20 lock state parameter maps attach pin rename entry seed bind
loader_stop
turns
for step in $(<steps); do
	background
	dies "$step" --module "$KO" "${run[@]}"
	goes_on "taken over, $step"
	ends_clean "taken over, $step"
done

# The end of one in the background.
background
FORCEPOLL_STEPS=list "$LOADER" stop 2>loader.stderr
check "nothing is left" poll_until 10 clean
has 16 lock release unpin unload rmdir
turns
for step in $(<steps); do
	background
	dies "$step" stop
	ends_clean "stop, $step"
done

# modprobe goes on when the loader is dead: until it has ended nobody else may begin.
mkfifo go
modprobe_after "read -r _ <$CASE_TMP/go"
for _ in stop "new run"; do
	PATH=$CASE_TMP/bin:$PATH dies modprobe:1 "${run[@]}"
	expect_fail 1 "another forcepoll-loader is running" "$LOADER" stop
	echo >go
	check "it ends" poll_until 30 flock -n "$PINS" true
	check "the module is loaded" [ -d /sys/module/forcepoll ]
	ends_clean "modprobe"
done

# Who undoes it for ab waits for that.
PATH=$CASE_TMP/bin:$PATH dies modprobe:1 ab "${run[@]}" -d 5
echo >go
check "ab: nothing is left" poll_until 30 clean
