#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the poll queues away and gives them back under load.
# TIMEOUT: 240
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

# queues N: by a reset, as whoever owns the drive may do at any time.
queues() {
	echo "$1" >/sys/module/nvme/parameters/poll_queues
	check "reset, $1 poll queues" \
		eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
	progress "with $1 poll queues"
}

requires_forcepoll
requires_command sfdisk
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
defer eval "echo 1 >/sys/module/nvme/parameters/poll_queues"
check "partition" sfdisk -q "/dev/$dev" <<<'1MiB,128MiB'
defer wipefs -qa "/dev/$dev"
cg_make db
loader_start --cgroup "$CGROOT/db"
for disk in "$dev" "${dev}p1"; do
	rm -f stop
	verify_start "$disk" --numjobs=2 --offset=16M --offset_increment=8M
	for ((i = 0; i < 8; i++)); do
		queues 0
		queues 1
	done
	polled=$(stat_get polled)
	progress "in the end"
	check "polled again" [ "$(stat_get polled)" -gt "$polled" ]
	verify_stop
done
check "left alone without a queue" [ "$(stat_get skip_no_queue)" -gt 0 ]
echo "resubmitted: $(stat_get resubmitted)"
loader_stop
