#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts interrupts of user mode, and only these.
# TIMEOUT: 120
set -eu
. "$(dirname "$0")/../lib.sh"

# on_cpu1 REGEX: interrupts of CPU 1, of the lines that match, while it ran
on_cpu1() { awk -v name="$1" '$0 ~ name { n += FNR == NR ? -$3 : $3 }
	END { print n + 0 }' before after; }
n() { jq "[.causes[] | select(.kind == \"$1\").count] | add // 0" out; }
# trace CMD...: the trace in file out
trace() {
	check "trace $*" sh -c '"$@" >all' sh "$LOADER" trace --json -- \
		taskset -c 1 sh -c 'cat /proc/interrupts >before; "$@"
		cat /proc/interrupts >after' sh "$@"
	sed -n '/^{/,$p' all >out
	user=$(n timer) all=$(on_cpu1 LOC:)
	devices=$(n "device IRQ") lines=$(on_cpu1 virtio)
	echo "timer: $user of $all; devices: $devices of $lines"
}

near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0.75 * b && a < b + 20) }'; }

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
requires_command gcc
gcc -O1 -o enter "$TOP/tests/src/enter.c"
for line in /proc/irq/*/virtio*; do
	echo 2 >"${line%/*}/smp_affinity" || : # some cannot be moved
done

# It is in user mode but for the interrupts themselves, during which others may
# come: those are missing, with those of its own start. The port stays open: to
# open it wakes up a worker on the CPU of the interrupt.
host_calls() {
	local fd
	taskset -cp 0 $BASHPID >/dev/null
	exec {fd}<>/dev/virtio-ports/org.forcepoll.host
	until [ -e enough ]; do
		echo ping >&"$fd"
		read -r _ <&"$fd"
	done
}
host_calls &
calls=$!
trace ./enter spin 4000
touch enough
wait $calls
check "timer interrupts hit user mode" near "$user" "$all"
# One host thread runs both CPUs: most of these come to CPU 1 with its tick, when
# its turn comes, and then hit the softirqs of that, which is the kernel.
check "so do some of devices" [ "$devices" -gt 50 ]
check "and not more than there were" [ "$devices" -le $((lines + 20)) ]

# In the kernel nearly all of the time: the same interrupts are no switches.
trace dd if=/dev/zero of=/dev/null bs=16M count=150 status=none
check "few hit user mode" [ $((user * 4)) -lt "$all" ]
