#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: keeps a target across exec, and finds programs by --comm and --exe.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

flags() { targets | sed -n "s/^$1://p"; }
flags_are() { [ "$(flags "$1")" = "$2" ]; }
runs() { [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]; }

# The entry is the process's, whichever of its threads calls exec.
cg_make case
mkfifo go
cg_start case bash -c 'read -r _ <go; exec ./proc thread-exec sleep 1000'
pid=$CG_PID
loader_start --pid "$pid"
check "it is a target" flags_are "$pid" 4
before=$(event exec_keep)
echo >go
check "it has called exec twice" poll_until 30 runs "$pid" sleep
check "it still is" flags_are "$pid" 4
check "both were seen" [ $(($(event exec_keep) - before)) = 2 ]
kill "$pid"
wait "$pid" || :
check "its exit is the end" flags_are "$pid" ""
loader_stop

# And it is polled.
cg_start case bash -c 'read -r _ <go; exec "$@"' - ./proc thread-exec \
	dd if="/dev/$(nvme_dev)" of=/dev/null bs=4k count=200 iflag=direct
loader_start --pid "$CG_PID"
stat_mark
echo >go
wait "$CG_PID" || fail "it cannot read"
check "what it reads is polled" stat_is '
	.submitted == 200 and .polled + .skip_busy == 200 and .read > 150'
loader_stop

# A program on the root (an overlay: from below, and written to it), on a tmpfs,
# by a symlink. What bash runs before its exec is none of them.
overlay=$(mktemp -d /var/tmp/forcepoll.XXXXXX)
defer rm -r "$overlay"
cp "$(command -v sleep)" "$overlay/upper"
cp "$(command -v sleep)" tmp
cp "$(command -v sleep)" fp-named
ln -s "$(command -v tail)" link
chosen=(./fp-named "$overlay/upper" ./tmp ./link)
running=() names=()
start() {
	local program
	for program in "${chosen[@]}"; do
		if [[ $program == ./link ]]; then
			cg_start case tail -f /dev/null
			names+=(tail)
		else
			cg_start case "$program" 1000
			names+=("${program##*/}")
		fi
		running+=("$CG_PID")
		check "$program runs" poll_until 30 runs "$CG_PID" "${names[-1]}"
	done
}

start
cg_start case sleep 1000
loader_start --comm fp-named --exe "$overlay/upper" --exe tmp --exe link
start
cg_start case sleep 1001
check "sleep runs" poll_until 30 runs "$CG_PID" sleep
for i in "${!running[@]}"; do
	check "${names[i]} is a target" flags_are "${running[i]}" 8
done
check "nobody else is" [ "$(bpftool map dump -j pinned "$PINS/targets" | jq length)" = 8 ]
check "four by exec" [ "$(event exec_name)" = 4 ]
check "four were there" [ "$(event seed_add)" = 4 ]
cg_remove case
check "none is left" [ "$(bpftool map dump -j pinned "$PINS/targets")" = "[]" ]
loader_stop

# On btrfs each subvolume has numbers of its own, and all of them one device.
fs_make "$(nvme_dev)" btrfs
for volume in one two; do
	btrfs -q subvolume create mnt/$volume
	cp "$(command -v sleep)" mnt/$volume/same
	sync -f mnt
done
check "the same number" [ "$(stat -c %i mnt/one/same)" = "$(stat -c %i mnt/two/same)" ]
cg_make case
cg_start case mnt/one/same 1000
one=$CG_PID
loader_start --exe mnt/one/same
cg_start case mnt/two/same 1000
check "it runs" poll_until 30 runs "$CG_PID" same
check "the one is a target" flags_are "$one" 8
check "the other is another" flags_are "$CG_PID" ""
cg_remove case
loader_stop

# What has no entry is chosen as it is now: as the seed may have missed one that was about
# to have its leader's place.
cg_make case
mkfifo run
cg_start case bash -c 'read -r _ <run; exec ./proc thread-exec sleep 1000'
loader_start --cgroup "$CGROOT/case"
check "deleted" bpftool map delete pinned "$PINS/targets" key \
	$((CG_PID & 255)) $((CG_PID >> 8 & 255)) $((CG_PID >> 16 & 255)) 0
check "it is none" flags_are "$CG_PID" ""
echo >run
check "it has called exec" poll_until 30 runs "$CG_PID" sleep
check "it is one again" [ "$(($(flags "$CG_PID") & 255))" = 2 ]
cg_remove case
loader_stop

# A leader's threads may be in another cgroup, and one of them take its place.
cg_make case/in && cg_make case/out
echo threaded >"$CGROOT/case/in/cgroup.type"
echo threaded >"$CGROOT/case/out/cgroup.type"
cg_start case/in bash -c 'read -r _ <run; exec "$@"' - \
	./proc thread-exec-in "$CGROOT/case/out" sleep 1000
loader_start --cgroup "$CGROOT/case/in"
check "it is one" [ "$(($(flags "$CG_PID") & 255))" = 2 ]
echo >run
check "it has called exec" poll_until 30 runs "$CG_PID" sleep
check "it is none" flags_are "$CG_PID" ""
cg_remove case
loader_stop

# Children run the same program, as those of PostgreSQL do, until they run another.
cp "$(command -v bash)" fp-shell
cg_make case && cg_make log

# Chosen by name, they are what the next run says, and so is who is forked then.
cg_start case ./fp-shell -c 'read -r _ <run; (read -r _ <run) & echo $! >forked; wait'
parent=$CG_PID
check "in the background" "$LOADER" --module "$KO" --comm fp-shell --observe --background
check "it is observed" flags_are "$parent" 40
loader_start --comm fp-shell
check "it is polled" flags_are "$parent" 8
echo >run
check "it has forked" poll_until 30 test -s forked
check "who is polled, too" flags_are "$(<forked)" 8
cg_remove case
loader_stop

cg_make case
by_name() {
	loader_start "$@"
	cg_start case ./fp-shell -c '(read -r _ <go; exec sleep 1000) & echo $! >child; wait'
	parent=$CG_PID
	check "it has a child: $*" poll_until 30 test -s child
	child=$(<child)
	check "both are targets: $*" targets_are "$parent:8" "$child:8"
	check "one by its birth: $*" [ "$(event fork_name)" = 1 ]
}
rm -f child
by_name --exe fp-shell
echo >go
check "the child runs another" poll_until 30 runs "$child" sleep
check "it is none any more" poll_until 30 targets_are "$parent:8"
check "that was seen" [ "$(event exec_leave)" = 1 ]
kill "$parent" "$child"
wait "$parent" || :
loader_stop
rm child
by_name --comm fp-shell --cgroup "$CGROOT/log"
cg_move "$child" log
check "a cgroup does not change it" targets_are "$parent:8" "$child:8"
echo >go
check "the child runs another" poll_until 30 runs "$child" sleep
check "then it is the cgroup's" poll_until 30 targets_are "$parent:8" "$child:2"
kill "$parent" "$child"
wait "$parent" || :
loader_stop

# A child that is followed is so whatever it runs, also one that a run before had by name.
rm child
cg_start case ./fp-shell -c '(read -r _ <go; exec sleep 1000) & echo $! >child; wait'
parent=$CG_PID
check "it has a child" poll_until 30 test -s child
child=$(<child)
check "by name" "$LOADER" --module "$KO" --background --comm fp-shell
check "both are" targets_are "$parent:8" "$child:8"
loader_start --pid "$parent" --follow-forks
check "followed" targets_are "$parent:5" "$child:5"
echo >go
check "the child runs another" poll_until 30 runs "$child" sleep
check "it is followed" targets_are "$parent:5" "$child:5"
loader_stop
