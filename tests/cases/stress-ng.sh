#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: has stress-ng's kinds of I/O end as they do without forcepoll.
# SET: slow
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

classes=(io iomix aio aiol hdd readahead mmap fault sync-file)
# Each of them on two file systems, without and with.
seconds=$((${FORCEPOLL_SECONDS:-72} / 4 / ${#classes[@]}))

# stress: how each class ends, and what it says is wrong.
stress() {
	local class status bytes
	for class in "${classes[@]}"; do
		bytes=()
		case $class in
		hdd | iomix | mmap | readahead | sync-file) bytes=("--$class-bytes" 16M) ;;
		esac
		status=0
		stress-ng --"$class" 2 "${bytes[@]}" --temp-path mnt --verify \
			--timeout "$seconds" >out 2>&1 || status=$?
		echo "$class: $status"
		((!status)) || sed 's/.*\] //' out
	done
}

requires_forcepoll
requires_command stress-ng
dev=$(nvme_dev)
defer wipefs -qa "/dev/$dev"
for type in ext4 xfs; do
	fs_make "$dev" $type
	stress >without
	check "without: all end well" eval '! grep -v ": 0$" without'
	loader_start --all
	stat_mark
	stress >with
	check "with: as without" diff without with
	check "polled" stat_is '.read > 100 and .write > 100'
	loader_stop
	umount mnt
	fs_check "$dev" $type
done
