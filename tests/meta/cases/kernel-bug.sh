#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: makes the kernel report a bug.
set -eu
. "$(dirname "$0")/../../lib.sh"

echo "BUG: fake" >/dev/kmsg
