#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: who waits in io_schedule() finds what it may rely on.
# TIMEOUT: 120
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

# seen NAME: of all calls since it was loaded.
seen() {
	bpftool map dump -j name contract.bss |
		holds ".[0].formatted.value[\".bss\"] | add | .$1"
}

requires_forcepoll
program contract.bpf.o attach
dev=$(nvme_dev)
check "file system" mkfs.ext4 -qF "/dev/$dev" 256M
mkdir mnt
mount "/dev/$dev" mnt
defer umount mnt
cg_make db

# load WHEN: waits in both functions, in each way there is.
load() {
	local waited
	waited=$(seen calls)
	stat_mark
	check "load, $1" cg_run db fio --directory=mnt --size=4M --bs=64k \
		--ioengine=psync --group_reporting \
		--name=direct --direct=1 --rw=randrw --verify=crc32c \
		--name=buffered --stonewall --direct=0 --rw=rw --fsync=16 \
		--verify=crc32c
	check "polled where it waits" stat_is '.async > 100'
	check "seen" [ "$(seen calls)" -gt $((waited + 50)) ]
	for wrong in not_running other_plug wrong_time; do
		check "none is $wrong" [ "$(seen $wrong)" = 0 ]
	done
}

# watch: from here on, all that was seen before is forgotten.
watch() {
	: >attached
	./attach contract.bpf.o >attached 2>&1 &
	watcher=$!
	defer _end $watcher
	check "watched" poll_until 20 grep -q '^attached' attached
}

watch
loader_start --cgroup "$CGROOT/db"
load "watched before it was bound"
_end $watcher
watch
load "watched after it was bound"
loader_stop
