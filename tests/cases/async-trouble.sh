#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: loses nothing in flight to resets, bad media, stalls and removal.
# TIMEOUT: 300
# MACHINE: blkdebug=1
set -eu
. "$(dirname "$0")/../lib.sh"


# trouble NAME: what is told of it, in the file told. Nothing there ends it but return.
trouble() {
	dev=$(nvme_dev) ctrl=$(nvme_ctrl) # it may have been away
	nvme_io_timeout "$dev" 5000
	"$1" >told || fail "$1: $(<told)"
}

# in_flight_start N: that many reads of the whole drive, all of them submitted.
in_flight_start() {
	: >said
	cg_run db timeout "$LIMIT" ./inflight reap "$1" "/dev/$dev" >said &
	reader=$!
	poll_until 20 grep -q "in flight" said
}
# in_flight_end NAME: what is told of them.
in_flight_end() {
	local status=0
	wait "$reader" || status=$?
	echo "$1: status $status, $(tail -n1 said)"
}

# One of the 64 cannot be read; and one piece of a larger read: then it has not been read.
bad_sector() {
	local status=0
	cg_run db timeout "$LIMIT" ./inflight reap 64 "/dev/${dev}p1" >said || status=$?
	echo "bad sector: status $status, $(tail -n1 said)"
	cg_run db dd if="/dev/$dev" bs=1M count=1 skip=$((FORCEPOLL_BAD_SECTOR / 2048)) \
		iflag=direct 2>&1 >large | head -n1
	echo "$(stat -c %s large) bytes of it"
}

resets() {
	local i
	nvme_throttle 0 100
	in_flight_start 64 || return
	for i in 1 2 3; do
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller" || return
		# Some that only the driver's queues know.
		poll_until 20 grep -qx live "/sys/class/nvme/$ctrl/state" || return
	done
	in_flight_end "three resets"
}

# A few a second, for longer than anybody spins.
stall() {
	nvme_throttle 0 4
	in_flight_start 48 || return
	in_flight_end "a drive that stalls"
}

# The drive completes what it has first, or does not.
unplugged() {
	nvme_throttle 0 100
	in_flight_start 64 || return
	host "unplug 0" >/dev/null || return
	in_flight_end "unplugged" >ended
	sed -E 's/(0, in flight|3, [0-9]+ failed: Input.*)$/either/' ended
	host "plug 0" >/dev/null || return
	poll_until 30 is_there
	nvme_throttle 0 0
}
is_there() { [[ -b /dev/$(nvme_dev)p1 ]]; }

requires_forcepoll
program inflight
dev=$(nvme_dev)
cg_make db
sfdisk -q "/dev/$dev" <<<"start=$((FORCEPOLL_BAD_SECTOR - 32 * 8)),size=1024"
defer wipefs -qa "/dev/$dev"
poll_until 10 is_there || fail "no partition"

declare -A marked=([bad_sector]=64 [resets]=64 [stall]=48 [unplugged]=64)
troubles=(bad_sector resets stall unplugged)
for name in "${troubles[@]}"; do
	trouble "$name"
	mv told "without.$name"
done
for told in "bad sector: status 3, 1 failed: No data available" "0 bytes of it" \
	"three resets: status 0, in flight" "a drive that stalls: status 0, in flight" \
	"unplugged: status either"; do
	check "without: $told" grep -qx "$told" without.*
done

loader_start --cgroup "$CGROOT/db"
for name in "${troubles[@]}"; do
	stat_mark
	trouble "$name"
	check "$name: told as without forcepoll" diff "without.$name" told
	check "all were marked" stat_is ".async + .unpolled >= ${marked[$name]}"
	check "nothing is left" poll_until 20 none_in_flight
	if [ "$name" = bad_sector ]; then
		check "polled, and cut" stat_is '.async > 50 and .polled + .unpolled > 65'
	fi
done
loader_stop
