#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts the loader where it cannot work: no right, no BTF, no
# module, a device without poll queues, a PID of another namespace.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

nothing_changed() {
	[[ ! -d /sys/module/forcepoll && ! -e $PINS ]] &&
		[ "$(bpftool link list -j)" = "$links" ]
}
links=$(bpftool link list -j)

# refused REGEX CMD...
refused() {
	expect_fail 1 "^forcepoll-loader: .*$1" "${@:2}"
	check "and changes nothing" nothing_changed
}

cg_make db
run=("$LOADER" --module "$KO" --cgroup "$CGROOT/db")

# Rights. Wherever the tree is, nobody can read this copy.
cp "$LOADER" loader
for words in "--cgroup $CGROOT/db" status stop; do
	# shellcheck disable=SC2086 # words
	refused "must be run as root" setpriv --reuid=65534 --clear-groups \
		./loader $words
done

# The kernel
mount -t tmpfs none /sys/kernel/btf
defer umount /sys/kernel/btf
refused "has no BTF" "${run[@]}"
umount /sys/kernel/btf
_deferred=("${_deferred[@]::${#_deferred[@]}-1}")

# The module
refused "module forcepoll cannot be loaded: modprobe: .*--module FILE" \
	"$LOADER" --cgroup "$CGROOT/db"
refused "none.ko: No such file" "$LOADER" --module none.ko --cgroup "$CGROOT/db"
mkfifo fifo
refused "fifo: cannot load" timeout "$LIMIT" "$LOADER" --module fifo --cgroup "$CGROOT/db"
refused "not a module for this kernel \\(" \
	"$LOADER" --module "$0" --cgroup "$CGROOT/db"
objcopy --remove-section=.BTF "$KO" plain.ko
refused "module forcepoll has no BTF that this kernel accepts" \
	"$LOADER" --module plain.ko --cgroup "$CGROOT/db"
for other in "$TOP"/build/*/forcepoll.ko; do
	[[ $other != "$KO" && -e $other ]] || continue
	refused "not a module for this kernel \\(" \
		"$LOADER" --module "$other" --cgroup "$CGROOT/db"
done

# Devices
modprobe brd rd_nr=1
defer rmmod brd
modprobe null_blk nr_devices=1 poll_queues=0
defer rmmod null_blk
refused "none: no such block device" "${run[@]}" --device none
refused "ram0 cannot be polled: .*bio-based" "${run[@]}" --device ram0
refused "nullb0 cannot be polled: it has no poll queues" "${run[@]}" --device nullb0
refused "ram0 cannot be polled" "${run[@]}" --device "$(nvme_dev)" --device /dev/ram0

# A PID is looked up where the loader runs, and is a target by its number in the
# initial namespace.
sleep 1000 &
outside=$!
defer kill "$outside"
refused "no such process: PID $outside" unshare --pid --fork --mount-proc \
	"$LOADER" --module "$KO" --pid "$outside"
warned() { grep -q "in a PID namespace: processes outside" err; }
inside() { unshare --pid --fork --mount-proc "$LOADER" --module "$KO" -b "$@" 2>err; }
check "a loader in there, of a cgroup" inside --cgroup "$CGROOT/db"
check "says whom it does not see" warned
"$LOADER" -q stop
# It ends with its cgroup: unshare does not hear SIGTERM.
# shellcheck disable=SC2016 # for the shell in there
cg_run db unshare --pid --fork --mount-proc bash -c \
	'sleep 1000 & "$@" --pid $! -b && wait' - "$LOADER" -q --module "$KO" &
defer "$LOADER" -q stop
background() { [ "$("$LOADER" status --json | jq -r .run)" = background ]; }
check "a loader in another namespace is ready" poll_until 60 background
target=$(bpftool map dump -j pinned "$PINS/targets" | jq '.[].formatted.key')
check "$target is 2 in there" grep -qx "NSpid:.$target.2" "/proc/$target/status"
check "and a sleep" grep -qx sleep "/proc/$target/comm"
