#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads a bad sector: the error arrives as it does without forcepoll.
# MACHINE: blkdebug=1
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

# reader HOW BLOCK: reads 4 KiB of the drive; prints the error.
reader() {
	case $1 in
	direct) dd if="/dev/$dev" of=/dev/null bs=4k count=1 skip="$2" iflag=direct ;;
	buffered) dd if="/dev/$dev" of=/dev/null bs=4k count=1 skip="$2" ;;
	mmap) python3 -c 'import mmap, sys
with open(sys.argv[1], "rb") as f:
    m = mmap.mmap(f.fileno(), 4096, prot=mmap.PROT_READ, offset=int(sys.argv[2]))
    m.madvise(mmap.MADV_RANDOM)
    print(m[0])' "/dev/$dev" $(($2 * 4096)) ;;
	esac 2>&1 | sed -n 's/.*error reading //p'
	return "${PIPESTATUS[0]}"
}

# read_all: what comes of reading the bad block and its neighbours, in each way.
read_all() {
	local how block error status
	for how in direct buffered mmap; do
		for block in $((bad - 32)) "$bad" $((bad + 32)); do
			blockdev --flushbufs "/dev/$dev"
			status=0
			error=$(reader $how "$block") || status=$?
			echo "$how $((block - bad)): $error $status"
		done
	done
}

requires_forcepoll
dev=$(nvme_dev)
bad=$((FORCEPOLL_BAD_SECTOR / 8))
read_all >without
check "the bad block is bad, and no other" \
	[ "$(grep -c ' 0$' without)/$(grep -c '^[a-z]* 0: .* [^0]' without)" = 6/3 ]

cg_make db
loader_start --cgroup "$CGROOT/db"
export -f read_all reader
export dev bad
for i in 1 2 3; do
	cg_run db bash -c read_all >with
	check "the same as without" diff without with
done
check "polled" [ "$(stat_get polled)" -gt 15 ]
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
