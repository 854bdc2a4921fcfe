#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: waits for minutes for a drive that has hardly any time, killed as well: the kernel's log tells.
# SET: slow
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

told='forcepoll: dd\[[0-9]+\] has waited for nvme[0-9]n1 for [0-9]{3,} seconds'
tells() { dmesg | grep -E "$told"; }
reads_in_flight() { awk -v wanted="$1" '{ exit $1 < wanted }' "/sys/block/$dev/inflight"; }
waits() { [ "$(status .inflight)" = 1 ]; }
now_us() { echo "${EPOCHREALTIME/./}"; }
cpu_us() { awk '{ print ($14 + $15) * 10000 }' "/proc/$CG_PID/stat"; }

# behind_others: whoever reads now is behind these, who are nobody's: for longer than it
# takes to tell, however slow the machine.
behind_others() {
	nvme_throttle 0 1
	fio --name=j --filename="/dev/$dev" --readonly --direct=1 --bs=4k --rw=randread \
		--ioengine=libaio --iodepth=400 --number_ios=400 --output=/dev/null &
	others=$!
	poll_until 30 reads_in_flight 200
	stat_mark
}

requires_forcepoll
expect_splat "$told"
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"
nvme_io_timeout "$dev" 600000
behind_others
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

# Nor is one a hung task that waits for an interrupt, for the judge to compare.
defer sysctl -qw "kernel.hung_task_timeout_secs=$(sysctl -n kernel.hung_task_timeout_secs)"
sysctl -qw kernel.hung_task_timeout_secs=10
echo auto >/sys/module/forcepoll/parameters/mode
behind_others
readers=()
for ((i = 0; i < 8; i++)); do
	cg_start db dd if="/dev/$dev" of=/dev/null bs=4k count=1 iflag=direct
	readers+=("$CG_PID")
done
check "some wait for one" poll_until 30 stat_is '.skip_judge > 0'
after 40
check "no hung task" eval '! dmesg | grep "blocked for more than"'
check "none is through" kill -0 "${readers[@]}"
nvme_throttle 0 0
wait "${readers[@]}" "$others"
loader_stop
