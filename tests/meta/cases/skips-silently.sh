#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: gives no reason for skipping, which is a failure.
set -eu
. "$(dirname "$0")/../../lib.sh"

exit 4
