#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the pins away, by hand or with their file system: a loader that
# runs ends in order, and when it is dead as well the module lets go by itself.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
cg_make db
read_start "$dev"

by_hand() { rm -r "$PINS"; }
umounted() { umount -l /sys/fs/bpf && mount -t bpf bpf /sys/fs/bpf; }
told() { dmesg | grep -c "forcepoll: nobody else has the targets" || :; }
unbound() { status '.bound | not'; }
nothing_left() { [[ ! -d /sys/module/forcepoll && ! -e $PINS ]]; }

for how in by_hand umounted; do
	loader_start --cgroup "$CGROOT/db"
	read_polled "$how"
	check "$how: the pins go" "$how"
	read_polled "$how, the loader runs"
	kill "$LOADER_PID"
	status=0
	wait "$LOADER_PID" || status=$?
	check "$how: the loader ends in order" [ "$status:$(tail -n +2 loader.stderr)" = 0: ]
	check "$how: nothing is left" nothing_left
done

for how in by_hand umounted; do
	loader_start --cgroup "$CGROOT/db"
	kill -KILL "$LOADER_PID"
	wait "$LOADER_PID" || :
	read_polled "$how, the loader is dead"
	was=$(told)
	check "$how: the pins go" "$how"
	check "$how: nobody is polled for any more" poll_until 20 unbound
	check "$how: nothing is in flight" poll_until 20 status '.bios_in_flight == 0 and .inflight == 0'
	progress "$dev" "$how, let go"
	check "the kernel's log says it" poll_until 20 eval "[ \"\$(told)\" = $((was + 1)) ]"
	check "$how: the module goes" poll_until 20 rmmod forcepoll
done
check "both went on" read_on
