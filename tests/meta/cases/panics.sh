#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: ends its machine.
set -eu
. "$(dirname "$0")/../../lib.sh"

echo "the last words"
echo c >/proc/sysrq-trigger
