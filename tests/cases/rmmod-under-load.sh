#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and stops the loader, with its module, under a verifying load.
# MACHINE: smp=1 append="preempt=full"
# TIMEOUT: 300
#
# One CPU: emulated by several threads, QEMU before 8.1 loses breakpoints of code
# that is patched while it runs, with any tracer, and the kernel dies of it.
set -eu
. "$(dirname "$0")/../lib.sh"

# verify_start NAME FIO-ARGS...: writes and verifies, again and again, in the
# cgroup, until verify_stop; that fails if any of it did.
verify_start() {
	cg_start db sh -c 'until [ -e stop ]; do
		fio "$@" >log 2>&1 || { cat log; exit 1; }; done' sh \
		--name=j --filename="/dev/$1" --direct=1 --ioengine=psync \
		--rw=randrw --bs=4k --size=4M --verify=crc32c "${@:2}"
}
verify_stop() {
	touch stop
	wait "$CG_PID" || fail "the verifying load failed"
}

# progress WHEN: waits until the drive has read some more.
progress() {
	local n
	read -r n _ <"/sys/block/$dev/stat"
	poll_until 60 has_read $((n + 50)) || fail "no progress $1"
}
has_read() {
	local n
	read -r n _ <"/sys/block/$dev/stat" && ((n > $1))
}

above() { (($(stat_get submitted) > $1)); }

requires_forcepoll
dev=$(nvme_dev)
cg_make db
verify_start "$dev"
for ((i = 1; i <= 30; i++)); do
	loader_start --cgroup "$CGROOT/db"
	progress "in round $i"
	loader_stop
	check "unloaded, $i" [ ! -d /sys/module/forcepoll ]
done
loader_start --cgroup "$CGROOT/db"
progress "for the last time"
check "polled" [ "$(stat_get polled)" -gt 0 ]
verify_stop

# A read takes a second, and the loader goes meanwhile: rmmod waits for it.
nvme_throttle 0 1
cg_start db dd if="/dev/$dev" of=/dev/null bs=4k count=4 iflag=direct
poll_until 30 above "$(stat_get submitted)" || fail "the reader is no target"
loader_stop
check "unloaded" [ ! -d /sys/module/forcepoll ]
nvme_throttle 0 0
wait "$CG_PID" || fail "the reader failed"
