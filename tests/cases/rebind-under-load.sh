#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the poll queues away and gives them back under load.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# reset N, queues N: N poll queues from now on, by a reset, as whoever
# owns the drive may do at any time.
reset() {
	echo "$1" >/sys/module/nvme/parameters/poll_queues &&
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller"
}
queues() {
	check "reset, $1 poll queues" reset "$1"
	progress "$dev" "with $1 poll queues"
}

requires_forcepoll
requires_command sfdisk
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 5000
# A reset cancels what is in flight, and that counts as a retry: of a request that
# each of so many resets meets, the sixth would be an error, forcepoll or not.
retries=/sys/module/nvme_core/parameters/max_retries
defer eval "echo $(<$retries) >$retries"
echo 255 >$retries
defer reset 1
check "partition" sfdisk -q "/dev/$dev" <<<'1MiB,128MiB'
defer wipefs -qa "/dev/$dev"
cg_make db
loader_start --cgroup "$CGROOT/db"
for disk in "$dev" "${dev}p1"; do
	each_verify_start "$disk"
	for ((i = 0; i < 8; i++)); do
		queues 0
		queues 1
	done
	stat_mark
	progress "$dev" "in the end"
	check "polled again" poll_until 30 polled_both 20
	check "faults, too" poll_until 30 stat_is '.fault > 20'
	verify_stop
done
check "left alone without a queue" [ "$(stat_get skip_no_queue)" -gt 0 ]
echo "resubmitted: $(stat_get resubmitted)"
loader_stop
