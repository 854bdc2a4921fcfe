# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A loader that dies after one of its steps: what is left of it, and how that ends. For
# cases, after tests/lib.sh and requires_forcepoll.

links=$(bpftool link list -j)
cg_make db
run=(--cgroup "$CGROOT/db")

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
