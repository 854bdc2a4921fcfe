#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: does not hold the pages of who is kept from a CPU by cpu.max.
# TIMEOUT: 200
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
cg_make db
cg_controllers cpu
loader_start --cgroup "$CGROOT/db"

# progress_is EXPR: of the load, whose pages are forgotten that it may read them again;
# the drive's alone: without those of its program the load may never start.
progress_is() {
	blockdev --flushbufs "/dev/$dev" && stat_is "$1"
}
# progress_next EXPR: the same, since the last look: what was before is over.
progress_next() {
	blockdev --flushbufs "/dev/$dev" && stat_next "$1"
}
# It ends before the limit does.
stat_mark
cg_start db fio --name=j --filename="/dev/$dev" --readonly --rw=randread --bs=4k \
	--size=64M --ioengine=psync --time_based --runtime=1d --output=/dev/null
load=$CG_PID
check "polled alone, unless the host keeps the machine from a CPU for that long" \
	poll_until 60 progress_is '.polled > 100 and .async < 100 or .held > 0'

# 5 ms in 50: it will be stopped while it polls, its page locked.
echo "5000 50000" >"$CGROOT/db/cpu.max"
stat_mark
check "kept from a CPU, sooner or later" poll_until 60 progress_is '.held > 0'
stat_mark
check "after that, where it waits: others can complete that" poll_until 60 \
	progress_next '.polled > 5 and .async == .polled and .held == 0'
check "by the worker, while it does not run" poll_until 60 progress_is '.backstop > 0'
echo max >"$CGROOT/db/cpu.max"
kill "$load"
wait "$load" || :
loader_stop
