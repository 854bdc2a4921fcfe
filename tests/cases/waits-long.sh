#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: waits for minutes for a drive that has hardly any time, killed as well: the kernel's log tells.
# SET: slow
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"

told='forcepoll: dd\[[0-9]+\] has waited for nvme[0-9]n1 for [0-9]{3,} seconds'
tells() { dmesg | grep -E "$told"; }
reads_in_flight() { awk '{ print $1 }' "/sys/block/$dev/inflight"; }
some_more() { (($(reads_in_flight) >= before + $1)); }
waits() { [ "$(status .inflight)" = 1 ]; }
now_us() { echo "${EPOCHREALTIME/./}"; }
cpu_us() { awk '{ print ($14 + $15) * 10000 }' "/proc/$CG_PID/stat"; }

# behind_others N: whoever reads now is behind so many reads of one a second, who are
# nobody's.
behind_others() {
	before=$(reads_in_flight)
	nvme_throttle 0 1
	fio --name=j --filename="/dev/$dev" --readonly --direct=1 --bs=4k --rw=randread \
		--ioengine=libaio --iodepth="$1" --number_ios="$1" --output=/dev/null &
	others=$!
	poll_until 30 some_more $(($1 / 2))
	stat_mark
}

requires_forcepoll
program inflight_uring
expect_splat "$told"
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"
nvme_io_timeout "$dev" 600000
behind_others 400 # for longer than it takes to tell, however slow the machine
cg_start db dd if="/dev/$dev" of=/dev/null bs=4k count=1 iflag=direct
check "told after two minutes" poll_until 180 tells
check "still waits, and is polled" waits
kill -KILL "$CG_PID"
since=$(now_us) spent=$(cpu_us)
after 4
spent=$(($(cpu_us) - spent)) since=$(($(now_us) - since))
check "killed, it does not spin: $spent of $since us" [ $((spent * 2)) -lt "$since" ]
check "but waits" waits
nvme_throttle 0 0
status=0
wait "$CG_PID" || status=$?
check "and is gone when the drive answers" [ "$status" = 137 ]
wait "$others"
check "told once" [ "$(tells | wc -l)" = 1 ]
check "napped" stat_is '.polled == 1 and .napped == 1 and .naps > 1000'

# Nor is one a hung task that waits for an interrupt, as no tag of a poll queue is free.
requests=/sys/block/$dev/queue/nr_requests
defer eval "echo $(<"$requests") >$requests"
echo 256 >"$requests"
defer sysctl -qw "kernel.hung_task_timeout_secs=$(sysctl -n kernel.hung_task_timeout_secs)"
sysctl -qw kernel.hung_task_timeout_secs=15
iopoll_keeps 0 256 "$dev"
behind_others 250
cg_start db taskset -c 0 dd if="/dev/$dev" of=/dev/null bs=4k count=1 iflag=direct
check "no tag is free" poll_until 30 stat_is '.resubmitted == 1'
after 40
check "no hung task" eval '! dmesg | grep "task dd:.* blocked for more than"'
check "and it waits" kill -0 "$CG_PID"
nvme_throttle 0 0
wait "$CG_PID" "$others"
check "by interrupt" stat_is '.unpolled == 1 and .polled == 0'
_end "$RING_PID"
loader_stop
