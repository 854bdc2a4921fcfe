#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves no log of the kernel to look for a splat in.
set -eu
. "$(dirname "$0")/../../lib.sh"

dmesg --clear
echo "nothing else" >/dev/kmsg
