#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: resets the controller under a polled, verifying load.
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

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev" --numjobs=2 --offset_increment=8M
for ((i = 1; i <= 20; i++)); do
	progress "before reset $i"
	check "reset $i" eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
done
polled=$(stat_get polled)
progress "after the last reset"
progress "after the last reset"
check "still polled" [ "$(stat_get polled)" -gt $((polled + 50)) ]
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
