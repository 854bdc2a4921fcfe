#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: fails with the output of the command checked.
set -eu
. "$(dirname "$0")/../../lib.sh"

check "a directory is listed" ls /no/such/directory
echo "not reached"
