#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: resets the controller under a polled, verifying load.
set -eu
. "$(dirname "$0")/../lib.sh"

# goes_on WHEN: there is progress. Linux 6.1 may lose a request in a reset, with
# or without forcepoll, and never gets over it: it starts the queues before it
# tells the drive of its shadow doorbells.
goes_on() {
	(progress "$dev" "$1") && return
	[[ $(uname -r) == 6.1.* ]] || exit 1
	dmesg | grep -qE "nvme $ctrl: I/O .* timeout, (reset|disable) controller" || exit 1
	nvme_rebind "$(nvme_pci)" 1
	skip "this kernel has lost a request in a reset"
}

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
timeout=/sys/block/$dev/queue/io_timeout
defer eval "echo $(<"$timeout") >$timeout"
echo 5000 >"$timeout" # instead of 30 s
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev" --numjobs=2 --offset_increment=8M
for ((i = 1; i <= 20; i++)); do
	goes_on "before reset $i"
	check "reset $i" eval "echo 1 >/sys/class/nvme/$ctrl/reset_controller"
done
polled=$(stat_get polled)
goes_on "after the last reset"
goes_on "after the last reset"
check "still polled" [ "$(stat_get polled)" -gt $((polled + 50)) ]
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
