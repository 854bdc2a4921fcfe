#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that file systems and swap on an NVMe drive with two paths, polled, keep what they are given.
# MACHINE: paths=2
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
swap_ready
cg_make db
dev=$(nvme_head)
echo round-robin >/sys/block/"$dev"/device/iopolicy
defer wipefs -qa "/dev/$dev"
loader_start --cgroup "$CGROOT/db"
keeps "$(partition "$dev")"
loader_stop
