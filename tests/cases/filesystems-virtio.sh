#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that file systems and swap on a drive of virtio_blk, polled, keep what they are given.
# MACHINE: virtio=1
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
swap_ready
cg_make db
modprobe virtio_blk poll_queues=1
defer modprobe -r virtio_blk
poll_until 20 test -b /dev/vda
defer wipefs -qa /dev/vda
loader_start --cgroup "$CGROOT/db"
keeps "$(partition vda)"
loader_stop
