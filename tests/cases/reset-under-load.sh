#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: resets the controller under a verifying load, without forcepoll and polled: nobody is told of it.
# TIMEOUT: 480
set -eu
. "$(dirname "$0")/../lib.sh"

# resets HOW N: so many of them, and nothing that they hit fails.
resets() {
	local i
	each_verify_start "$dev"
	for ((i = 1; i <= $2; i++)); do
		progress "$dev" "$1, before reset $i"
		check "$1: reset $i" eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
	done
	progress "$dev" "$1, after the last reset"
}

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 5000
cg_make db
resets without 10
verify_stop

loader_start --cgroup "$CGROOT/db"
stat_mark
resets with 50
check "polled" poll_until 60 polled_both 500
stat_mark
check "still polled" poll_until 30 polled_both 50
check "faults, too" poll_until 30 stat_is '.fault > 50'
verify_stop
check "no poller is left" status '.inflight == 0'
loader_stop
