#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes no cgroup of v1 for a chosen one, finds one that is made again, and
# leaves entries made by hand alone.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

bytes() {
	printf '%d ' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) \
		$(($1 >> 24))
}

cg_make db && cg_make log && cg_make other
cg_start other sleep 1000
p=$CG_PID
mkdir "$CGROOT/db/old"
cg_start db/old sleep 1000
old=$CG_PID
check "they are there" poll_until 30 cg_has "$p" other
check "they are there" poll_until 30 cg_has "$old" db/old
loader_start --cgroup "$CGROOT/db" --cgroup "$CGROOT/log"

# Entries made by hand are not the cgroup's to take.
# shellcheck disable=SC2046 # one word a byte
bpftool map update pinned "$PINS/targets" key $(bytes "$p") value 0 0 0 0 0 0 0 0
cg_move "$p" db
cg_move "$p" other
check "who was entered by hand" targets_are "$old:2" "$p:0"
# shellcheck disable=SC2046
bpftool map delete pinned "$PINS/targets" key $(bytes "$p")

# Another hierarchy is none of our business.
if mkdir v1 && mount -t cgroup -o none,name=forcepoll none v1; then
	defer umount "$CASE_TMP/v1"
	mkdir v1/db
	defer rmdir "$CASE_TMP/v1/db"
	for pid in "$old" "$p"; do
		echo "$pid" >v1/db/cgroup.procs
		check "who moves in a cgroup v1" targets_are "$old:2"
		echo "$pid" >v1/cgroup.procs
	done
	# It counts its own ids: the chosen one of the same number stays chosen.
	mkdir v1/one
	key="$(bytes "$(stat -c %i v1/one)")0 0 0 0"
	# shellcheck disable=SC2086 # one word a byte
	bpftool map update pinned "$PINS/cgroups" key $key value 0 0 0 0 2 0 0 0
	rmdir v1/one
	# shellcheck disable=SC2086
	check "it is chosen still" bpftool map delete pinned "$PINS/cgroups" key $key
else
	echo "# no cgroup v1 here"
fi

# A cgroup of the same name is another cgroup.
cg_move "$old" other
check "all have left" targets_are
find "$CGROOT/db" -depth -type d -exec rmdir {} +
check "the end of the cgroup was seen" [ "$(event cgroup_rmdir)" = 1 ]
cg_move "$p" log
check "the other one is there" targets_are "$p:2"
cg_move "$p" other
# As when a service is restarted: a loader that stays finds it, and who is inside.
mkdir "$CGROOT/db"
cg_move "$p" db
check "the new one is found" poll_until 30 targets_are "$p:2"
check "and told" grep -q "cgroup/db was made again" loader.stderr
cg_start db sleep 1000
check "who joins it" poll_until 30 targets_are "$p:2" "$CG_PID:2"
loader_stop

# Also while a loader starts: one in the background does not look later.
cg_remove log
cg_make log
modprobe_after "rmdir $CGROOT/log && mkdir $CGROOT/log"
check "a loader in the background" env PATH="$PWD/bin:$PATH" "$LOADER" -q --background \
	--cgroup "$CGROOT/log"
defer "$LOADER" -q stop
cg_start log sleep 1000
p=$CG_PID
check "it is found" poll_until 30 targets_are "$p:2"
rules() { [ "$(bpftool -j map dump pinned "$PINS/cgroups" | jq length)" = "$1" ]; }
check "and the one before forgotten" rules 1

# A start that fails, here by a signal, when somebody has moved to what it would have chosen:
# who has left is no target. It waits for a second until it can say why.
mkfifo full
exec 5<>full
perl -e 'fcntl(STDIN, 1031, 4096) or die' <&5 # F_SETPIPE_SZ
perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die;
	1 while defined syswrite STDOUT, "x"' >&5
# shellcheck disable=SC2016 # for that shell
env --block-signal=TERM sh -c 'kill -TERM $$; exec "$@"' sh "$LOADER" --module "$KO" \
	--background --cgroup "$CGROOT/other" 2>full &
second=$!
check "it has chosen" poll_until 30 rules 2
cg_move "$p" other
wait $second && fail "it was not ended"
exec 5>&-
check "it is undone" rules 1
check "who has left is no target" targets_are
