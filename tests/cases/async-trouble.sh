#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: loses nothing in flight to resets, bad media, stalls and removal.
# TIMEOUT: 240
# MACHINE: blkdebug=1
set -eu
. "$(dirname "$0")/../lib.sh"

none_in_flight() { [[ $(in_flight) == 0 ]]; }
inflight() { cg_run db timeout 100 ./inflight reap 64 "$@"; }

requires_forcepoll
program inflight
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 5000 # instead of 30 s
cg_make db
loader_start --cgroup "$CGROOT/db"

# One of the 64 cannot be read.
sfdisk -q "/dev/$dev" <<<"start=$((FORCEPOLL_BAD_SECTOR - 32 * 8)),size=1024"
defer wipefs -qa "/dev/$dev"
check "the partition" poll_until 10 test -b "/dev/${dev}p1"
stat_mark
status=0
inflight "/dev/${dev}p1" >said || status=$?
check "one fails, the others do not" [ "$status $(tail -n1 said)" = "3 1 failed" ]
check "they were polled" stat_is '.async > 50'

# One piece of a larger read cannot be read: then it has not been read.
stat_mark
check "a large read fails" eval "! cg_run db dd if=/dev/$dev of=/dev/null bs=1M \
	count=1 skip=$((FORCEPOLL_BAD_SECTOR / 2048)) iflag=direct"
check "it was cut" stat_is '.submitted > 1 and .polled + .unpolled > 1'

nvme_throttle 0 100
stat_mark
inflight "/dev/$dev" >said &
reader=$!
check "in flight" poll_until 20 grep -q "in flight" said
for i in 1 2 3; do
	check "reset $i" eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
done
wait $reader || fail "not all were read"
check "and marked" stat_is '.async + .unpolled >= 64'

# One a second, for longer than anybody spins.
nvme_throttle 0 4
check "a drive that stalls" cg_run db timeout 100 ./inflight reap 48 "/dev/$dev"
nvme_throttle 0 100

inflight "/dev/$dev" >said &
reader=$!
check "in flight" poll_until 20 grep -q "in flight" said
check "unplugged" host "unplug 0"
status=0
wait $reader || status=$?
check "it ends, with or without errors" [ "$status" = 0 -o "$status" = 3 ]
check "nothing is left" poll_until 20 none_in_flight
check "plugged in again" host "plug 0"
check "it is there" poll_until 30 nvme_dev
loader_stop
