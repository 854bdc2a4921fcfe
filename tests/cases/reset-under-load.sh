#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: resets the controller under a polled, verifying load.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 5000
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev" --numjobs=2 --offset_increment=8M
for ((i = 1; i <= 50; i++)); do
	progress "$dev" "before reset $i"
	check "reset $i" eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
done
polled=$(stat_get polled)
progress "$dev" "after the last reset"
progress "$dev" "after the last reset"
check "still polled" [ "$(stat_get polled)" -gt $((polled + 50)) ]
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
