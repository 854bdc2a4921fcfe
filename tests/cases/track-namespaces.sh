#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: knows who is in other PID namespaces by their numbers outside, and of
# threads in threaded cgroups, with controllers and without, that their process decides.
# TIMEOUT: 300
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

procs() { cat "$CGROOT/$1/cgroup.procs"; }
has_procs() { (($(procs "$1" | wc -l) == $2)); }
# those FLAGS PID...: as targets has them.
those() { printf "%s:$1\n" "${@:2}"; }
# shellcheck disable=SC2046 # one word a process
in_cgroup_are() { targets_are $(those "$1" $(procs "$2")); }
named() { # CGROUP COMM: the processes that run it
	local pid
	for pid in $(procs "$1"); do
		[[ $(<"/proc/$pid/comm") != "$2" ]] || echo "$pid"
	done
}
has_named() { (($(named "$1" "$2" | wc -l) == $3)); }
number_in() { awk '/^NSpid:/ { print $NF }' "/proc/$1/status"; }

# -- PID namespaces --------------------------------------------------------------

# What is read in CGROUP is polled.
reads() {
	stat_mark
	check "a reader in $1" cg_run "$1" "${@:2}" dd if="/dev/$(nvme_dev)" \
		of=/dev/null bs=4k count=100 iflag=direct
	check "is polled" stat_is '.submitted == 100 and .read > 50'
}

# A container: unshare stays outside, its child is the first one inside.
box=(unshare --fork --kill-child --pid --mount-proc --cgroup bash -c
	'sleep 1000 & (sleep 1000; :) & wait')

# By its cgroup, and by its process, whose children were born outside and inside.
cg_make db && cg_make other
cg_make db/box
for way in cgroup pid; do
	if [[ $way == cgroup ]]; then
		flags=2
		loader_start --cgroup "$CGROOT/db"
		cg_start db/box "${box[@]}"
		top=$CG_PID
	else
		flags=5
		mkfifo go
		# shellcheck disable=SC2016 # for the shell in there
		cg_start db/box bash -c 'read -r _ <go; exec "$@"' - "${box[@]}"
		top=$CG_PID
		loader_start --pid "$top" --follow-forks
		echo >go
	fi
	# unshare, two shells, two sleeps
	check "$way: all are there" poll_until 30 has_named db/box sleep 2
	check "five of them" poll_until 30 has_procs db/box 5
	check "targets by their numbers outside" in_cgroup_are $flags db/box
	init=$(pgrep -P "$top")
	check "the first one is 1 inside" [ "$(number_in "$init")" = 1 ]
	check "outside it is not" [ "$init" != 1 ]

	# A target that goes there, and one who is none.
	cg_start other nsenter --pid --target "$init" sleep 1000
	check "a stranger" poll_until 30 has_named other sleep 1
	stranger=$(named other sleep)
	check "is inside" [ "$(readlink "/proc/$stranger/ns/pid")" = \
		"$(readlink "/proc/$init/ns/pid")" ]
	check "and no target" in_cgroup_are $flags db/box
	if [[ $way == cgroup ]]; then
		reads db/box nsenter --pid --target "$init"
		cg_start db/box nsenter --pid --target "$init" sleep 1000
	else
		loader_stop
		# shellcheck disable=SC2016
		cg_start db/box bash -c 'read -r _ <go; exec "$@"' - \
			nsenter --pid --target "$init" sleep 1000
		loader_start --pid "$CG_PID" --pid "$top" --follow-forks
		echo >go
	fi
	check "a guest" poll_until 30 has_named db/box sleep 3
	check "and its nsenter" poll_until 30 has_named db/box nsenter 1
	guest=$(pgrep -P "$CG_PID")
	check "is inside" [ "$(readlink "/proc/$guest/ns/pid")" = \
		"$(readlink "/proc/$init/ns/pid")" ]
	check "and a target" in_cgroup_are $flags db/box

	# With the first one all end who are inside.
	kill -KILL "$init"
	check "all have gone" poll_until 30 has_procs db/box 0
	check "from the map, too" targets_are
	check "and the stranger" poll_until 30 has_procs other 0
	loader_stop
done

# -- threaded cgroups ------------------------------------------------------------

mkdir "$CGROOT"/db/box/{one,two}
for cg in one two; do
	echo threaded >"$CGROOT/db/box/$cg/cgroup.type"
done
threads_of() {
	local dirs=("/proc/$1/task/"*)
	printf '%s\n' "${dirs[@]##*/}"
}
has_threads() { [ "$(threads_of "$1" | wc -l)" = "$2" ]; }
# moves THREAD CGROUP: this one alone
moves() {
	echo "$1" >"$CGROOT/$2/cgroup.threads"
	check "$1 is in $2" grep -qx "$1" "$CGROOT/$2/cgroup.threads"
}

loader_start --cgroup "$CGROOT/db"
cg_start db/box ./proc threads 3
p=$CG_PID
check "threads" poll_until 30 has_threads "$p" 4
check "a target" targets_are "$p:2"
thread=$(threads_of "$p" | tail -n1)
round() {
	local cg
	for cg in box/one box/two box; do
		moves "$thread" "db/$cg"
		check "a thread has moved" targets_are "$p:2"
		moves "$p" "db/$cg"
		check "the first one has moved" targets_are "$p:2"
	done
}
round
check "threads were seen" [ "$(event cgroup_thread)" = 3 ]

# Controllers come while they are inside, and go.
moves "$thread" db/box/one
for cg in . db db/box; do
	defer eval "echo -cpu -pids >$CGROOT/$cg/cgroup.subtree_control"
	check "controllers below $cg" eval "echo +cpu +pids >$CGROOT/$cg/cgroup.subtree_control"
	check "it is a target" targets_are "$p:2"
done
check "with them" grep -qw cpu "$CGROOT/db/box/one/cgroup.controllers"
round
reads db/box/one
echo -cpu >"$CGROOT/db/box/cgroup.subtree_control"
check "it is a target" targets_are "$p:2"
moves "$thread" db/box/one
cg_move "$p" other
check "all have left" targets_are
check "each thread" [ "$(wc -l <"$CGROOT/other/cgroup.threads")" = 4 ]
cg_move "$thread" db/box
check "all are back" targets_are "$p:2"
loader_stop

# One that is chosen itself: the first thread decides, whatever the others do.
for order in before after; do
	[[ $order != before ]] || moves "$thread" db/box/one
	loader_start --cgroup "$CGROOT/db/box/one"
	[[ $order == before ]] || moves "$thread" db/box/one
	check "a thread alone is no process" targets_are
	moves "$p" db/box/one
	check "its first one is" targets_are "$p:2"
	moves "$thread" db/box/two
	check "a thread leaves" targets_are "$p:2"
	moves "$p" db/box/two
	check "its first one leaves" targets_are
	loader_stop
done
moves "$p" db/box/one
loader_start --cgroup "$CGROOT/db/box/one"
check "its first one was there" targets_are "$p:2"
kill "$p"
wait "$p" || :
check "its exit is the end" targets_are
loader_stop
