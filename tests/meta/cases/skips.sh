#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: is skipped with its reason.
set -eu
. "$(dirname "$0")/../../lib.sh"

skip "no such hardware"
