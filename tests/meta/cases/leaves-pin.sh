#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves a directory of pins behind.
set -eu
. "$(dirname "$0")/../../lib.sh"

mkdir "$PINS"
