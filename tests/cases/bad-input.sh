#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: gives the loader what it cannot use: one clear line, status 1 (2
# for wrong usage), and nothing is changed.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

# No module, no pins, no program that watches.
nothing_changed() {
	[[ ! -d /sys/module/forcepoll && ! -e $PINS ]] &&
		[ "$(bpftool link list -j)" = "$links" ]
}
links=$(bpftool link list -j)

# refused REGEX ARGS...
refused() {
	expect_fail 1 "^forcepoll-loader: .*$1" "$LOADER" --module "$KO" "${@:2}"
	check "and changes nothing" nothing_changed
}

# misused REGEX ARGS...: argp has a second sentence, "Try --help".
misused() {
	local status=0
	timeout "$LIMIT" "$LOADER" --module "$KO" "${@:2}" >out 2>err || status=$?
	check "${*:2}: $(head -n1 err)" grep -qE "^[^ ]*forcepoll-loader: .*$1" \
		<(head -n1 err)
	check "... Try --help" [ "$(tail -n +2 err | tr -s '\n' ' ' | cut -c-5)" = "Try \`" ]
	check "status 2" [ "$status" = 2 ]
	check "nothing on stdout" [ ! -s out ]
}

cg_make db
db=(--cgroup "$CGROOT/db")

# Who
refused "$CGROOT/none: no such cgroup" --cgroup "$CGROOT/none"
refused "none: no such cgroup" "${db[@]}" --cgroup none
refused "$CASE_TMP: not a cgroup2 directory" --cgroup "$CASE_TMP"
refused "cgroup.procs: not a cgroup2 directory" --cgroup "$CGROOT/db/cgroup.procs"
if mkdir v1 && mount -t cgroup -o none,name=forcepoll none v1; then
	defer umount "$CASE_TMP/v1"
	refused "v1: a cgroup v1 directory" --cgroup v1
else
	echo "# no cgroup v1 here"
fi
sleep 0 &
gone=$!
wait "$gone"
refused "no such process: PID $gone" --pid "$gone"
refused "no such process: PID $gone" --pid $$ --pid "$gone"
refused "PID 2 is a kernel thread" --pid 2
refused "none: No such file" --exe none
refused "$CASE_TMP: not a program" --exe "$CASE_TMP"
mkfifo fifo
refused "fifo: not a program" --exe fifo
printf '#!/bin/sh\nsleep 1000\n' >script
refused "script: a script, .*--comm" --exe script
misused "--observe asks no --policy" "${db[@]}" --observe --policy none
misused "a command takes" status --policy none
misused "'5abc' is not a PID" --pid 5abc
misused "'0' is not a PID" --pid 0
misused "'' is not a PID" --pid ""
misused "'4294967297' is not a PID" --pid 4294967297
misused "1 to 15 characters" --comm sixteencharacter
misused "whose I/O" --device nvme0n1
misused "goes with --pid" "${db[@]}" --follow-forks
# How
misused "'0' is not a size" --all --max-bytes 0
misused "'1x' is not a size" --all --max-bytes 1x
misused "'-1' is not a size" --all --max-bytes=-1
misused "' 1' is not a size" --all --max-bytes " 1"
misused "'5G' is not a size" --all --max-bytes 5G
misused "'4194304K' is not a size" --all --max-bytes 4194304K
misused "'abc' is not a number of seconds" --all --interval abc
misused "'0' is not a number of seconds" --all --interval 0
misused "not with --background" --all --interval 1 --background
misused "not with --background" --all --explain --background
misused "'never' is not a mode" --all --mode never
for percent in 0 -1 x 5x 100001; do
	misused "'$percent' is not a percentage of a CPU" --all --max-poll-cpu=$percent
done
misused "unknown command 'start'" start
misused "'trace' goes first" -v trace -a
misused "'trace' goes first" -v trace --stacks 3 -- true
misused "one command at a time" status stop
misused "only" stop --all
misused "unrecognized option" --none
check "none of these changed anything" nothing_changed

# Where
refused "not on a bpf file system" "${db[@]}" --pin-dir "$CASE_TMP/pins"
refused "$PINS/deeper: No such file" "${db[@]}" --pin-dir "$PINS/deeper"
mkdir -m 700 /sys/fs/bpf/somebody
defer rm -r /sys/fs/bpf/somebody
for name in theirs targets; do
	bpftool map create "/sys/fs/bpf/somebody/$name" type array key 4 \
		value 4 entries 1 name theirs
	refused "/$name: not forcepoll's" "${db[@]}" --pin-dir /sys/fs/bpf/somebody
	expect_fail 1 "not forcepoll's" "$LOADER" stop --pin-dir /sys/fs/bpf/somebody
	check "theirs is there" [ -e "/sys/fs/bpf/somebody/$name" ]
	rm "/sys/fs/bpf/somebody/$name"
done
