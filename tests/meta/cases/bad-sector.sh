#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: cannot read one sector of its drive.
# MACHINE: blkdebug
set -eu
. "$(dirname "$0")/../../lib.sh"

dev=/dev/$(nvme_dev)
sector=$FORCEPOLL_BAD_SECTOR
check "the one before" dd if="$dev" of=/dev/null bs=4k count=1 iflag=direct \
	skip=$((sector / 8 - 1))
! dd if="$dev" of=/dev/null bs=4k count=1 iflag=direct \
	skip=$((sector / 8)) || fail "the bad sector can be read"
