#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: asks the loader what it would do, and sees that it does nothing.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

one=$(nvme_dev)
undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
cg_make db
db=$CGROOT/db

"$LOADER" --module "$KO" --dry-run --cgroup "$db" --pid $$ -f --comm a \
	--exe /bin/sleep --device "$one" --max-bytes 8K >said 2>"talk"
cat >want <<-EOF
	would poll for cgroup $db (id $(stat -c %i "$db"))
	would poll for process $$ and its children
	would poll for programs named a
	would poll for /bin/sleep
	would poll on $one
	would poll I/O of up to 8192 bytes
	would create $PINS
	would load $KO
EOF
check "--dry-run says all" diff want said
check "and nothing on stderr" [ ! -s talk ]
check "nothing is done" undone

# Everybody, on whatever can poll, beside a run that is there.
"$LOADER" --module "$KO" -q --background --cgroup "$db"
defer "$LOADER" -q stop
before=$(bpftool map dump -j pinned "$PINS/targets" && bpftool link list -j)
"$LOADER" --dry-run --all >said
cat >want <<-EOF
	would poll for every process
	would poll on $one
	would take over $PINS
	module forcepoll is loaded
EOF
check "--dry-run says all" diff want said
check "nothing is done" [ "$before" = "$(bpftool map dump -j pinned \
	"$PINS/targets" && bpftool link list -j)" ]

# What a run would refuse, it refuses.
expect_fail 1 "another forcepoll is bound" "$LOADER" --dry-run --all \
	--pin-dir /sys/fs/bpf/second
check "it has made none" [ ! -e /sys/fs/bpf/second ]
loader_start --all
expect_fail 1 "another forcepoll-loader is running" "$LOADER" --dry-run --all
loader_stop
objcopy --remove-section=.BTF "$KO" plain.ko
check "insmod" insmod plain.ko
expect_fail 1 "no BTF that this kernel accepts" "$LOADER" --dry-run --all
rmmod forcepoll
expect_fail 1 "no such cgroup" "$LOADER" --dry-run --cgroup "$db/none"
expect_fail 1 "kernel thread" "$LOADER" --dry-run --pid 2
