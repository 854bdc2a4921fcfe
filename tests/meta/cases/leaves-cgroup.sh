#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves cgroups behind.
set -eu
. "$(dirname "$0")/../../lib.sh"

mkdir -p "$CGROOT/db/inner"
