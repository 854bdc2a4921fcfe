#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: runs after a machine was lost.
set -eu
. "$(dirname "$0")/../../lib.sh"

check "in a machine that has just started" [ "$(cut -d. -f1 /proc/uptime)" -lt 60 ]
