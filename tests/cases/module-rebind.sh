#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: binds and releases several times while the module stays loaded.
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

dev=$(nvme_dev)
cg_make db
check "insmod" insmod "$KO"
defer rmmod forcepoll

before=0
for round in 1 2 3; do
	loader_start --cgroup "$CGROOT/db"
	check "read, round $round" cg_run db dd if="/dev/$dev" of=/dev/null \
		bs=4k count=200 iflag=direct
	polled=$(stat_get polled)
	check "polled in round $round: $before, $polled" \
		[ "$polled" -gt "$before" ]
	before=$polled
	loader_stop
	check "the module that was there stays" [ -d /sys/module/forcepoll ]
done
poll_until 20 grep -qx 0 /sys/module/forcepoll/refcnt ||
	fail "the module is still in use"
