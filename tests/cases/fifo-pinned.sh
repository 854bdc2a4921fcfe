#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: lets a real-time task poll on the CPU whose workers its I/O needs.
# MACHINE: drives=2
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
nvme_io_timeout "$dev" 5000
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
		progress "$dev" "on CPU $cpu"
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller"
		progress "$dev" "on CPU $cpu after a reset"
		echo mq-deadline >"/sys/block/$dev/queue/scheduler"
		echo none >"/sys/block/$dev/queue/scheduler"
	done
	touch stop
	wait "$CG_PID" || fail "fio on CPU $cpu: $(cat log)"
	echo "ok: CPU $cpu"
done
check "polled" [ "$(stat_get polled)" -gt 1000 ]

# Time that it polls is time that it runs, of which there is a limit.
reads() { # N LIMIT...
	cg_run db "${@:2}" dd if="/dev/$dev" of=/dev/null bs=4k count="$1" iflag=direct
}
# No other reason to sleep.
echo 10000000 >/sys/module/forcepoll/parameters/spin_us
fifo=(taskset -c 1 chrt -f 50)
stat_mark
check "a real-time task" reads 4000 "${fifo[@]}"
check "sleeps for one in four" stat_is '.polled > 2500 and .skip_sched >= 1000'
# The drive takes its time, that a slow machine has to wait for it.
nvme_throttle 0 400
slow=${FORCEPOLL_SLOW:-1}
rttime=--rttime=$((100000 * slow)):$((200000 * slow)) # us without sleeping
limited() { # LIMIT...
	stat_mark
	check "with $*" reads 1000 "$@"
	check "by interrupts" stat_is '.polled == 0 and .skip_sched >= 1000'
}
limited "${fifo[@]}" prlimit "$rttime"
limited prlimit --cpu=60
limited chrt -d --sched-runtime 1000000 --sched-period 10000000 0

# Nor does it poll where it waits, for what another thread has in flight.
program beside
nvme_throttle 0 0
other=/dev/$(nvme_dev 1)
n=$((500 / slow))
told() { [[ -s reaped ]]; }
spun() { status .spin_ns.read; }
beside() { # LIMIT...
	local before
	before=$(spun)
	stat_mark
	: >reaped
	nvme_throttle 1 1
	cg_start db "$@" ./beside $n "/dev/$dev" "$other" >reaped
	poll_until 60 told
	nvme_throttle 1 0 # it ends with the other's reads
	wait "$CG_PID" || fail "beside another: $*"
	check "beside another, $*" stat_is '.async >= 64 and .skip_sched >= '$n
	check "the other waited: $(<reaped)" [ "$(<reaped)" -lt 64 ]
	check "it did not poll" [ "$(spun)" = "$before" ]
}
beside "${fifo[@]:0:3}" chrt -R -f 50 prlimit "$rttime"
beside chrt -R -d --sched-runtime 1000000 --sched-period 10000000 0
loader_stop
