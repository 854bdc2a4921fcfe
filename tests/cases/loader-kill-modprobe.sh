#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader while modprobe runs, which goes on: nobody else begins before it has ended.
# TIMEOUT: 180
set -eu
. "$(dirname "$0")/../lib.sh"
requires_forcepoll
. "$(dirname "$0")/../steps.sh"

mkfifo go
modprobe_after "read -r _ <$CASE_TMP/go"
turns
for _ in stop "new run"; do
	PATH=$CASE_TMP/bin:$PATH dies modprobe:1 "${run[@]}"
	expect_fail 1 "another forcepoll-loader is running" "$LOADER" stop
	echo >go
	check "it ends" poll_until 30 flock -n "$PINS" true
	check "the module is loaded" [ -d /sys/module/forcepoll ]
	ends_clean "modprobe"
done

# Who undoes it for ab waits for that.
PATH=$CASE_TMP/bin:$PATH dies modprobe:1 ab "${run[@]}" -d 5
echo >go
check "ab: nothing is left" poll_until 30 clean
