#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# DESCRIPTION: reads the module's text: the replaced functions are called, never jumped to.
#
# R23: the hook knows its own calls of the originals by their return address. A
# tail call would return to somebody else, and be redirected for ever.

set -eu
. "$(dirname "$0")/../lib.sh"

for f in submit_bio_noacct page_cache_sync_ra page_cache_async_ra; do
	# Each relocation against the function, with the instruction above it.
	uses=$(objdump -dr --no-show-raw-insn "$KO" |
		grep -B1 -E "R_X86_64_(PLT32|PC32)[[:space:]]+$f-0x4\$" |
		grep -vE 'R_X86_64|^--')
	[ -n "$uses" ] || fail "$f is not called at all"
	if grep -qvw call <<<"$uses"; then
		fail "$f is not only called: $uses"
	fi
done
