#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: runs after a machine was lost.
set -eu
. "$(dirname "$0")/../../lib.sh"

read -r uptime _ </proc/uptime
check "the machine has just started" [ "${uptime%.*}" -lt 60 ]
