#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: suspends all devices, as on the way to idle, time and again under polled load.
# MACHINE: memory_root=1
# SET: slow
# TIMEOUT: 240
#
# With pm_test, which resumes them after a second: QEMU's RTC does not wake the machine
# from idle itself.
set -eu
. "$(dirname "$0")/../lib.sh"

power=/sys/power
succeeded() { cat $power/suspend_stats/success; }

requires_forcepoll
dev=$(nvme_dev)
defer eval "echo none >$power/pm_test"
delay=/sys/module/suspend/parameters/pm_test_delay # 5 s
defer eval "echo $(<$delay) >$delay"
echo 1 >$delay
cg_make db
loader_start --cgroup "$CGROOT/db"
verify_start "$dev"
aio_verify_start "$dev"
verify_start "$dev" --ioengine=io_uring --iodepth=8 --offset=128M

echo devices >$power/pm_test
for i in 1 2 3 4 5; do
	was=$(succeeded)
	progress "$dev" "before suspend $i"
	check "suspend $i" eval "echo freeze >$power/state"
	check "they were suspended" [ "$(succeeded)" = $((was + 1)) ]
	progress "$dev" "after suspend $i"
done
stat_mark
progress "$dev" "in the end"
check "polled in the end" poll_until 30 stat_is '.polled > 100 and .async > 50'
verify_stop
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
