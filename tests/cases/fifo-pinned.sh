#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: lets a real-time task poll on the CPU whose workers its I/O needs.
# TIMEOUT: 240
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
runtime=kernel.sched_rt_runtime_us
defer sysctl -qw "$runtime=$(sysctl -n $runtime)"
sysctl -qw $runtime=-1
defer eval "echo none >/sys/block/$dev/queue/scheduler"
cg_make db
loader_start --cgroup "$CGROOT/db"
for cpu in 0 1; do
	if ((cpu)); then skip_busy N; else skip_busy Y; fi
	rm -f stop
	cg_start db sh -c 'until [ -e stop ]; do "$@" >log || exit 1; done' sh \
		chrt -f 50 taskset -c $cpu fio --name=j --filename="/dev/$dev" \
		--direct=1 --ioengine=psync --rw=randrw --bs=4k --size=4M \
		--verify=crc32c
	for ((i = 0; i < 4; i++)); do
		goes_on "on CPU $cpu"
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller"
		goes_on "on CPU $cpu after a reset"
		echo mq-deadline >"/sys/block/$dev/queue/scheduler"
		echo none >"/sys/block/$dev/queue/scheduler"
	done
	touch stop
	wait "$CG_PID" || fail "fio on CPU $cpu: $(cat log)"
	echo "ok: CPU $cpu"
done
check "polled" [ "$(stat_get polled)" -gt 1000 ]
loader_stop
