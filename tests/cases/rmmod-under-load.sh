#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and stops the loader, with its module, under a verifying load.
# MACHINE: append="preempt=full"
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

above() { (($(stat_get submitted) > $1)); }

requires_forcepoll
dev=$(nvme_dev)
cg_make db
verify_start "$dev"
for ((i = 1; i <= 6; i++)); do
	loader_start --cgroup "$CGROOT/db"
	progress "$dev" "in round $i"
	loader_stop
	check "unloaded, $i" [ ! -d /sys/module/forcepoll ]
done
loader_start --cgroup "$CGROOT/db"
progress "$dev" "for the last time"
check "polled" [ "$(stat_get polled)" -gt 0 ]
verify_stop

# A read takes a second, and the loader goes meanwhile: rmmod waits for it.
for ((i = 1; i <= 2; i++)); do
	nvme_throttle 0 1
	submitted=$(stat_get submitted)
	cg_start db dd if="/dev/$dev" of=/dev/null bs=4k count=$((10 * ${FORCEPOLL_SLOW:-1})) iflag=direct
	poll_until 30 above "$submitted" || fail "the reader is no target"
	loader_stop
	check "unloaded with a read in flight" [ ! -d /sys/module/forcepoll ]
	check "it reads still" kill -0 "$CG_PID"
	loader_start --cgroup "$CGROOT/db"
	nvme_throttle 0 0
	wait "$CG_PID" || fail "the reader failed"
done
loader_stop
