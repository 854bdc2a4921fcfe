#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves a process behind, in a session of its own.
set -eu
. "$(dirname "$0")/../../lib.sh"

setsid sleep 1000 &
