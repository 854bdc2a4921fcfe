#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts without what the cases before it left.
set -eu
. "$(dirname "$0")/../../lib.sh"

check "no cgroup" [ ! -e "$CGROOT/db" ]
check "no pin" [ ! -e "$PINS" ]
check "no process" sh -c '! pgrep sleep'
check "no file" [ -z "$(ls)" ]
