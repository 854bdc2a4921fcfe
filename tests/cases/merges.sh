#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves it to the block layer to merge what is written in order, polled or not.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
cg_make db
cg_make other
# writes CGROUP: requests that what it writes becomes.
writes() {
	local before after
	read -r _ _ _ _ before _ <"/sys/block/$dev/stat"
	cg_run "$1" dd if=/dev/zero of="/dev/$dev" bs=1M count=16 conv=fsync status=none
	read -r _ _ _ _ after _ <"/sys/block/$dev/stat"
	echo $((after - before))
}
loader_start --cgroup "$CGROOT/db"
for ((i = 0; i < 3; i++)); do
	without=$(writes other)
	stat_mark
	with=$(writes db)
	check "16 MiB are $without requests, of a target $with" [ "$with" -le $((without * 2)) ]
	check "marked, some of them" stat_is '.async > 10'
done
loader_stop
