#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes too long and is cleaned up all the same.
# TIMEOUT: 2
set -eu
. "$(dirname "$0")/../../lib.sh"

defer echo "cleaned up"
sleep 1000
