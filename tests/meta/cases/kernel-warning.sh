#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: makes the kernel print a warning.
set -eu
. "$(dirname "$0")/../../lib.sh"

echo "WARNING: fake" >/dev/kmsg
