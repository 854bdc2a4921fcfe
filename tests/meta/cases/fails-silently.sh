#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: fails in a command that says nothing.
set -eu
. "$(dirname "$0")/../../lib.sh"

false
