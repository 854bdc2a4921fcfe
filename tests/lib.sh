# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a case is written with. A case sources this file first and runs from top
# to bottom under "set -eu"; it passes when it gets to its end.
#
#   . "$(dirname "$0")/../lib.sh"
#
# Its directory, $CASE_TMP, is a tmpfs that goes away with it. Whatever else it
# makes it undoes with defer. guest-init sources this file too, for the functions
# named case_.

set -E # the trap on ERR counts in functions as well

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
# shellcheck disable=SC2034 # for the cases
KO=$TOP/build/$(uname -r)/forcepoll.ko
LOADER=$TOP/build/forcepoll-loader
CGROOT=/sys/fs/cgroup
PINS=/sys/fs/bpf/forcepoll
KMEMLEAK=/sys/kernel/debug/kmemleak

# -- verdict ---------------------------------------------------------------

# fail TEXT: the case has failed.
fail() {
	trap - ERR
	echo "FAIL: $*"
	exit 1
}

# skip TEXT: the case cannot run here, and TEXT says why.
skip() {
	trap - ERR
	echo "$*" >"${CASE_SKIP:-/dev/stderr}"
	exit 4
}

# check WHAT CMD...: CMD must succeed. Its output is shown only when it fails.
check() {
	local what=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	if ((status)); then
		printf '%s\n' "command: $*" "status: $status" "$output"
		fail "$what"
	fi
	echo "ok: $what"
}

# expect_fail STATUS REGEX CMD...: CMD must fail with STATUS, say one line that
# matches the extended REGEX on stderr and nothing on stdout.
expect_fail() {
	local want=$1 pattern=$2 out err status=0
	shift 2
	out=$(mktemp -p "$CASE_TMP") err=$(mktemp -p "$CASE_TMP")
	"$@" >"$out" 2>"$err" || status=$?
	if ((status != want)) || [[ -s $out ]] ||
		(($(wc -l <"$err") != 1)) || ! grep -qE -- "$pattern" "$err"; then
		printf '%s\n' "command: $*" "status: $status, not $want?"
		sed 's/^/stdout: /' "$out"
		sed 's/^/stderr: /' "$err"
		fail "not as expected: $pattern"
	fi
	echo "ok: fails: $*"
}

# expect_splat REGEX: lines of the kernel's log that would fail another case (see SPLAT).
expect_splat() { echo "$1" >>"$CASE_EXPECTED"; }

# -- clean-up and waiting --------------------------------------------------

_deferred=()

# defer CMD...: run CMD when the case ends, however it ends; the last first.
defer() {
	_deferred+=("$(printf '%q ' "$@")")
}

_at_exit() {
	local status=$? i
	trap - ERR
	set +e
	for ((i = ${#_deferred[@]} - 1; i >= 0; i--)); do
		eval "${_deferred[i]}" || {
			echo "clean-up failed: ${_deferred[i]}"
			((status)) || status=1
		}
	done
	exit "$status"
}

# PID 1 itself must not get these.
if [[ $$ != 1 ]]; then
	trap _at_exit EXIT
	# An end by the runner's time limit is cleaned up as well.
	trap 'exit 143' TERM
	trap 'echo "${BASH_SOURCE[0]##*/}:$LINENO: status $?: $BASH_COMMAND"' ERR
	# Nobody writes here: reading from it is a sleep without a process.
	exec {_never}<> <(:)
fi

# For timeout: seconds in which ends, however slow the machine, all that does not hang.
export LIMIT=$((100 * ${FORCEPOLL_SLOW:-1}))

# after SECONDS: a sleep.
after() { read -rt "$1" -u "$_never" || :; }

# poll_until SECONDS CMD...: waits until CMD succeeds; 1 when it never does. What it
# said is said once, as it was the last time. Slow machines get more time (tests/run).
poll_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000 * ${FORCEPOLL_SLOW:-1})) now
	local _said=${CASE_TMP:-/tmp}/.said.$BASHPID.$((_polls++)) said status=0
	shift
	# What began in time counts, however long the machine then stood still.
	while now=${EPOCHREALTIME/./}; ! "$@" >"$_said" 2>&1; do
		((now < end)) || {
			status=1
			break
		}
		after 0.02
	done
	# No process for what is done so often.
	IFS= read -rd '' said <"$_said" || :
	printf %s "$said"
	return $status
}
_polls=0

# -- the host --------------------------------------------------------------

# host LINE: asks the runner (requests: see tests/vm.py), prints its answer.
host() {
	local port=/dev/virtio-ports/org.forcepoll.host fd status rest
	exec {fd}<>"$port"
	echo "$*" >&"$fd"
	read -r status rest <&"$fd"
	exec {fd}>&-
	echo "$rest"
	[[ $status == ok ]]
}

# -- NVMe ------------------------------------------------------------------
# Drives are told by their serial number, fp0, fp1...: after a hotplug the
# kernel's numbers may differ.

# nvme_ctrl [N]: name of the Nth controller, like nvme0.
nvme_ctrl() {
	local dir serial
	for dir in /sys/class/nvme/nvme*; do
		read -r serial 2>/dev/null <"$dir/serial" || continue
		[[ $serial == "fp${1:-0}" ]] && echo "${dir##*/}" && return
	done
	return 1
}

# nvme_dev [N]: name of its block device, like nvme0n1.
nvme_dev() {
	local ctrl dir
	ctrl=$(nvme_ctrl "${1:-0}") || return 1
	for dir in /sys/class/nvme/"$ctrl"/"$ctrl"n*; do
		[[ -b /dev/${dir##*/} ]] && echo "${dir##*/}" && return
	done
	return 1
}

# nvme_head: the device above the paths of a machine that has some; they themselves have
# a c in their names, nvme0c1n1.
nvme_head() {
	local dir
	for dir in /sys/class/nvme-subsystem/nvme-subsys*/nvme*n*; do
		[[ -b /dev/${dir##*/} ]] && echo "${dir##*/}" && return
	done
	return 1
}

# nvme_pci [N]: its address on the PCI bus.
nvme_pci() {
	local ctrl
	ctrl=$(nvme_ctrl "${1:-0}") || return 1
	basename "$(readlink -f "/sys/class/nvme/$ctrl/device")"
}

_nvme_probe() {
	local driver=/sys/bus/pci/drivers/nvme
	echo "$1" >"$driver/unbind" || return
	echo "$2" >/sys/module/nvme/parameters/poll_queues
	echo "$1" >"$driver/bind" || return
	poll_until 20 _nvme_block "$1"
}

_nvme_block() {
	local path
	for path in "/sys/bus/pci/devices/$1/nvme/"nvme*/nvme*n*; do
		[[ -b /dev/${path##*/} ]] && return # made after the directory
	done
	return 1
}

# nvme_rebind PCI N: probes the drive again with N poll queues; as it was at
# the end of the case. (A reset is not enough: the queue map stays.)
nvme_rebind() {
	local before
	before=$(</sys/module/nvme/parameters/poll_queues)
	defer _nvme_probe "$1" "$before"
	_nvme_probe "$1" "$2"
}

# nvme_throttle N IOPS: limits drive N on the host; 0 is no limit.
nvme_throttle() {
	defer host "throttle $1 0"
	host "throttle $1 $2" >/dev/null
}

# iopoll_keeps N READS DEV: a ring with IOPOLL, on CPU 0, has so many reads of drive N done,
# and does not look; its PID is in $RING_PID. When it submits it does: then the drive, of
# one a second, has still another's to do.
iopoll_keeps() {
	local other
	nvme_throttle "$1" 1
	dd if="/dev/$3" of=/dev/null bs=4k count=100 iflag=direct status=none &
	other=$!
	check "the drive has another's" poll_until 20 eval \
		"! grep -qE '^ *0 +0$' /sys/block/$3/inflight"
	: >said
	taskset -c 0 ./inflight_uring iopoll "$2" "/dev/$3" >said &
	RING_PID=$!
	defer _end "$RING_PID"
	check "a ring has them, and does not look" poll_until 20 grep -q "in flight" said
	nvme_throttle "$1" 0
	wait $other || fail "not read"
}

# nvme_io_timeout DEV MS: a request of it that takes longer is lost (10 s, tests/vm.py).
nvme_io_timeout() {
	local file=/sys/block/$1/queue/io_timeout
	defer eval "echo $(<"$file") >$file"
	echo "$2" >"$file"
}

# -- device-mapper ---------------------------------------------------------

# dm_make NAME TABLE [ARGS...]: prints the name of its block device. There is no udev.
# See dm_removes, which a subshell cannot do.
dm_make() {
	dmsetup --noudevsync create "$1" --table "$2" "${@:3}"
	dmsetup info -c --noheadings -o blkdevname "$1"
}

# dm_removes NAME...: at the end, the last first, if it is there still.
dm_removes() {
	local name
	for name; do
		defer eval "! dmsetup info $name >/dev/null 2>&1 ||
			dmsetup --noudevsync remove --retry $name"
	done
}

# -- cgroups ---------------------------------------------------------------

# cg_make NAME: makes /sys/fs/cgroup/NAME; removed at the end, with whatever
# still runs in it.
cg_make() {
	mkdir -p "$CGROOT/$1"
	defer cg_remove "$1"
}

cg_remove() {
	[[ -d $CGROOT/$1 ]] || return 0
	echo 1 >"$CGROOT/$1/cgroup.kill"
	poll_until 10 grep -q "populated 0" "$CGROOT/$1/cgroup.events" &&
		find "$CGROOT/$1" -depth -type d -exec rmdir {} +
}

# cg_run NAME CMD...: CMD inside of the cgroup from its first instruction.
cg_run() {
	local cg=$1
	shift
	(
		echo "$BASHPID" >"$CGROOT/$cg/cgroup.procs" || exit
		exec "$@"
	)
}

# cg_start NAME CMD...: the same in the background; its PID is in $CG_PID.
cg_start() {
	local cg=$1
	shift
	{
		echo "$BASHPID" >"$CGROOT/$cg/cgroup.procs" || exit
		exec "$@"
	} &
	CG_PID=$!
	defer _end "$CG_PID"
}

# Ends a child that may have ended already.
_end() {
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# cg_move PID NAME: puts a process into another cgroup.
cg_move() { echo "$1" >"$CGROOT/$2/cgroup.procs"; }

# cg_has PID NAME: it is in there, not below.
cg_has() { grep -qx "$1" "$CGROOT/$2/cgroup.procs"; }

# cg_controllers NAME...: of the cgroups below the root, until the case ends.
cg_controllers() {
	defer eval "echo '${*/#/-}' >$CGROOT/cgroup.subtree_control"
	echo "${*/#/+}" >"$CGROOT/cgroup.subtree_control"
}

# configfs_mount: it is there until the case ends.
configfs_mount() {
	mountpoint -q /sys/kernel/config && return
	modprobe configfs
	mount -t configfs configfs /sys/kernel/config
	defer umount /sys/kernel/config
}

# tracefs_mount DIR: it is there until the case ends.
tracefs_mount() {
	mountpoint -q "$1" && return
	mount -t tracefs nodev "$1"
	defer umount "$1"
}

# -- measuring -------------------------------------------------------------

# fio_json FILE ARGS...: runs fio, its result as JSON in FILE.
fio_json() {
	local file=$1 status=0
	shift
	fio --name=case --output-format=json --output="$file" "$@" || status=$?
	# fio puts its notes before the JSON, in the same file.
	if ((status)); then
		cat "$file"
	else
		sed -i -n '/^{/,$p' "$file"
	fi
	return "$status"
}

# holds EXPR [FILE ARGS...]: of jq -e, on one JSON of a file or of stdin. That alone would
# succeed when there is none (jq 1.6); input then fails.
holds() { jq -ne "input | $1" "${@:2}"; }

# jget FILE PATH: the value at a path of jq, like .jobs[0].read.iops.
jget() { holds "$2" "$1" -r; }

# ctxt_switches PID: how often the threads of a process have gone to sleep.
ctxt_switches() {
	cat "/proc/$1/task/"*/status |
		awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'
}

# irq_count REGEX: interrupts so far, all CPUs, of the lines that match.
irq_count() {
	awk -v name="$1" '
		NR == 1 { cpus = NF; next }
		$0 ~ name { for (i = 2; i < 2 + cpus; i++) n += $i }
		END { print n + 0 }' /proc/interrupts
}

# irq_grown CPU REGEX: how many more in file after than in before, two copies of
# /proc/interrupts, of the lines that match.
irq_grown() {
	awk -v column=$(($1 + 2)) -v name="$2" '
		$0 ~ name { n += FNR == NR ? -$column : $column }
		END { print n + 0 }' before after
}

# -- forcepoll -------------------------------------------------------------

requires_forcepoll() {
	[[ -e $KO ]] || skip "no build/$(uname -r)/forcepoll.ko"
	[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
}

requires_command() {
	command -v "$1" >/dev/null || skip "no command $1"
}

# program NAME...: copies here what is made of tests/src/NAME.c.
program() {
	local name
	for name; do
		cp "$TOP/build/tests/$name" . || fail "no build/tests/$name"
	done
}

# modprobe_after COMMANDS: modprobe, in $CASE_TMP/bin, runs these before it does its work.
modprobe_after() {
	mkdir bin
	printf '#!/bin/bash\n%s && exec insmod %s\n' "$1" "$KO" >bin/modprobe
	chmod +x bin/modprobe
}

# loader_start ARGS...: the loader in the background, ready when this returns. It polls
# all that it can, if ARGS have no other --mode: what is better here is another matter.
loader_start() {
	: >"$CASE_TMP/loader.stderr" # what an earlier one said is not to be read
	"$LOADER" --module "$KO" --mode poll "$@" 2>>"$CASE_TMP/loader.stderr" &
	LOADER_PID=$!
	defer _end "$LOADER_PID"
	poll_until 100 _loader_settled || : # it says so, or it is dead
	if ! grep -q '^forcepoll-loader: ready' "$CASE_TMP/loader.stderr"; then
		cat "$CASE_TMP/loader.stderr"
		fail "the loader is not ready"
	fi
	skip_busy N
}

# skip_busy Y|N: whether bios are left to interrupts where other tasks want the
# CPU, as they are by default. On a busy host the guest's CPUs always are wanted,
# and nothing that a case waits for would ever be polled.
skip_busy() {
	echo "$1" >/sys/module/forcepoll/parameters/skip_busy
}

# status EXPR ARGS...: it holds of what the loader tells.
status() { "$LOADER" status --json | holds "$@"; }

# stat_mark, stat_is EXPR: what the counters (.polled, .skip_large, and by origin
# .read, .write, .fault, .swap) grew by since the mark, as jq sees it.
stat_mark() { status '.counters + .polled' >mark; }
# shellcheck disable=SC2016 # jq's variables
stat_is() {
	status '.counters + .polled | with_entries(.value -= $was[0][.key]) |
		., ('"$1"')' --slurpfile was mark
}

# stat_next EXPR: the same, and a mark.
# shellcheck disable=SC2016 # jq's variables
stat_next() {
	mv mark before && stat_mark &&
		holds 'with_entries(.value -= $was[0][.key]) | ., ('"$1"')' mark \
			--slurpfile was before
}

# in_flight: marked bios that nobody waits for inside submit_bio().
in_flight() { status .bios_in_flight; }
none_in_flight() { [[ $(in_flight) == 0 ]]; }

# module_unused: by nobody, and may go.
module_unused() { [[ $(</sys/module/forcepoll/refcnt) == 0 ]]; }

# targets: the entries of the map, as TGID:FLAGS. What is above these 24 bits is the
# level of the cgroup.
targets() {
	local map
	map=$(bpftool map dump -j pinned "$PINS/targets") || {
		echo "no map" && return 1
	}
	jq -r '.[].formatted | "\(.key):\(.value.flags % 16777216)"' <<<"$map"
}

# target_tgids: the processes alone, as sort has them.
target_tgids() { targets | cut -d: -f1 | sort; }

# targets_are TGID:FLAGS...: these and no others are targets.
targets_are() { [ "$(targets | sort)" = "$(printf '%s\n' "$@" | sort)" ]; }

# event NAME: a counter of the tracking.
event() { status ".events.$1"; }

# look_for_leaks: what is found is in $KMEMLEAK then: what is older than five seconds and
# was the same in two scans that found it. What was on its way may have gone by the next.
look_for_leaks() {
	after 6
	echo scan >$KMEMLEAK && echo scan >$KMEMLEAK
}

# nothing_leaked: memory of the module that nobody refers to any more, on a kernel with
# kmemleak: of one that was unloaded there are but addresses.
nothing_leaked() {
	look_for_leaks || return
	! grep -A40 "^unreferenced" $KMEMLEAK | grep -E '\[forcepoll\]|\] 0x[0-9a-f]+$'
}

# -- a load ------------------------------------------------------------------

# wrong_bytes FILE...: fio says there that it has read others than it had written.
wrong_bytes() { grep -qE "^verify: |verify failed" "$@"; }

# verify_in CGROUP DEV FIO-ARGS...: writes and verifies, again and again, until there is
# a file named stop; fails, and shows what fio said, when any of it did. DEV with a slash
# is a file.
verify_in() {
	_verify_in "$1" 'fio "$@"' "$2" --direct=1 --ioengine=psync --rw=randrw "${@:3}"
}
_verifiers=()

# _verify_in CGROUP COMMAND DEV FIO-ARGS...
_verify_in() {
	local file=$3
	[[ $file == */* ]] || file=/dev/$file
	[[ ! -e stop ]] || fail "to verify nothing: there is a file stop"
	cg_start "$1" sh -c "until [ -e stop ]; do
		{ $2; } >log.\$\$ 2>&1 || { cat log.\$\$; exit 1; }; done" sh \
		--name=j --filename="$file" --bs=4k --size=4M --verify=crc32c \
		--allow_file_create=0 "${@:4}" # in /dev, when the drive has gone
	_verifiers+=("$CG_PID")
}

# verify_start DEV FIO-ARGS...: the same in the cgroup db, until verify_stop.
verify_start() { verify_in db "$@"; }

# aio_verify_start DEV: the same with 16 in flight, further on; ends with the other.
aio_verify_start() {
	verify_start "$1" --ioengine=libaio --iodepth=16 --offset=64M
}

# mapped_verify_start DEV: verifies through a mapping what it has written. fio itself
# throws away what a drive has where it maps it to write, and maps from its beginning.
mapped_verify_start() {
	# shellcheck disable=SC2016 # the other shell's
	_verify_in db 'fio "$@" --direct=1 --ioengine=psync --rw=write --do_verify=0 &&
		fio "$@" --ioengine=mmap --rw=randread --verify_only --fadvise_hint=random' \
		"$1"
}

# each_verify_start DEV: all of these, and one more of the first.
each_verify_start() {
	verify_start "$1" --offset=8M --numjobs=2 --offset_increment=8M
	aio_verify_start "$1"
	mapped_verify_start "$1"
}

# verify_stop: ends all of these, none of which may have failed.
verify_stop() {
	local pid
	touch stop
	for pid in "${_verifiers[@]}"; do
		wait "$pid" || fail "a verifying load failed"
	done
	_verifiers=()
	rm stop
}

# read_start DEV: reads in the cgroup db, until the case ends: one after the other, and
# with some in flight. READERS are the processes.
read_start() {
	local args
	READERS=()
	for args in "--ioengine=psync" "--ioengine=libaio --iodepth=8"; do
		# shellcheck disable=SC2086 # words
		cg_start db fio --name=j --thread --filename="/dev/$1" --readonly \
			--direct=1 --rw=randread --bs=4k --time_based --runtime=1d \
			--output=/dev/null $args
		READERS+=("$CG_PID")
	done
}

# polled_both N: since stat_mark, of those that wait for each one and of those that have
# some in flight. Who was kept from a CPU polls like these, for some time (kmod/poll.c).
polled_both() {
	stat_is ".polled - .async > $1 and .async > $1" ||
		{ [[ $(stat_get held) != 0 ]] && stat_is ".async > 2 * $1"; }
}

# read_on: each of them is still there.
read_on() {
	local pid
	for pid in "${READERS[@]}"; do
		kill -0 "$pid" || return
	done
}

# read_polled WHEN: both of them are polled, from now on.
read_polled() {
	stat_mark
	check "$1: polled" poll_until 60 polled_both 100
}

# -- files and memory of the cgroup db, kept on a device ------------------------

# partition DEV: makes one and prints its name, of the least size that xfs takes.
partition() {
	sfdisk -q -X dos "/dev/$1" <<<1MiB,320MiB
	basename "$(echo "/sys/block/$1/$1"*1)"
}

# fs_make DEV TYPE: a new file system, mounted on mnt until the case ends.
fs_make() {
	local mkfs=(-qf) options=defaults
	case $2 in
	ext4) mkfs=(-qF) ;;
	f2fs)
		mkfs+=(-O "extra_attr,compression")
		options=compress_algorithm=lz4,compress_extension=z
		;;
	esac
	check "$1: make $2" "mkfs.$2" "${mkfs[@]}" "/dev/$1"
	mkdir -p mnt
	mount -t "$2" -o "$options" "/dev/$1" mnt
	defer eval 'umount mnt 2>/dev/null || :'
}

# fs_check DEV TYPE: it is whole. Nothing may have it mounted.
fs_check() {
	case $2 in
	ext4) check "fsck" e2fsck -fn "/dev/$1" ;;
	xfs) check "fsck" xfs_repair -n "/dev/$1" ;;
	btrfs) check "fsck" btrfs check "/dev/$1" ;;
	f2fs) check "fsck" fsck.f2fs "/dev/$1" ;;
	*) fail "fsck of what, $2?" ;;
	esac
}

# keeps_files DEV TYPE EXPR: written and read back in a new file system, in one file
# compressed where it can do that. EXPR is what was counted since the mark, the next one.
keeps_files() {
	local type=$2 file
	[[ -e data ]] || { seq 150000 && head -c 1M /dev/urandom; } >data
	fs_make "$1" "$type"
	touch mnt/packed.z
	[[ $type != btrfs ]] || chattr +c mnt/packed.z
	check "verify" cg_run db fio --name=j --thread --directory=mnt --ioengine=psync \
		--direct=1 --rw=randrw --bs=4k --size=1M --verify=crc32c
	check "write, and fsync" cg_run db dd if=data of=mnt/copied bs=64k conv=fsync \
		status=none
	check "write, to be compressed" cg_run db cp data mnt/packed.z
	umount mnt
	mount -t "$type" "/dev/$1" mnt
	for file in copied packed.z; do
		check "data of $file" cg_run db cmp data mnt/$file
	done
	[[ $type == @(ext4|xfs) ]] || check "it was compressed" _packed "$type"
	umount mnt
	check "counted: $3" stat_next "$3"
	fs_check "$1" "$type"
}

_packed() {
	case $1 in
	btrfs) filefrag -v mnt/packed.z | grep -q encoded ;;
	f2fs) (($(f2fs_io get_cblocks mnt/packed.z) > 20)) ;;
	esac
}

# swap_ready: what keeps_memory needs, before the cgroup is made.
swap_ready() {
	program swapper
	defer sysctl -qw "vm.page-cluster=$(sysctl -n vm.page-cluster)"
	sysctl -qw vm.page-cluster=0 # who waits waits for one page
	cg_controllers memory
}

# keeps_memory DEV EXPR: swapped out, and in again.
keeps_memory() {
	check "$1: make swap" mkswap "/dev/$1"
	swapon "/dev/$1"
	defer eval "swapoff /dev/$1 2>/dev/null || :"
	echo 6M >"$CGROOT/db/memory.max"
	check "the memory comes back as it was" cg_run db ./swapper 16
	check "counted: $2" stat_next "$2"
	echo max >"$CGROOT/db/memory.max"
	swapoff "/dev/$1"
}

# keeps DEV [EXPR]: all of these, polled, unless EXPR says otherwise.
keeps() {
	local type writes='and .write > 100'
	stat_mark
	for type in ext4 xfs f2fs btrfs; do
		# It turns direct writes into buffered ones where it has checksums.
		[[ $type != btrfs ]] || writes=
		keeps_files "$1" $type "${2:-.read > 250 $writes}"
	done
	keeps_memory "$1" "${2:-.swap > 500 and .write == 0}"
}

# -- signs of a load -------------------------------------------------------------

# progress DEV WHEN: waits until the drive has read some more.
progress() {
	local n
	read -r n _ <"/sys/block/$1/stat"
	poll_until 60 _has_read "$1" $((n + 50)) || fail "no progress $2"
}

_has_read() {
	local n
	read -r n _ <"/sys/block/$1/stat" && ((n > $2))
}

_loader_settled() {
	grep -q '^forcepoll-loader: ready' "$CASE_TMP/loader.stderr" ||
		[[ ! -d /proc/$LOADER_PID ]]
}

# Each bio of a target has its outcome, and none is in flight; as long as there are
# targets that cannot be told.
_settled() {
	status '.targets != [] or .bios_in_flight == 0 and
		(.counters | .submitted == .polled + .unpolled + .observed + ([to_entries[] |
			select(.key | startswith("skip_")).value] | add))' >/dev/null
}

# loader_stop: ends it as a user does; it must undo everything and exit 0.
loader_stop() {
	local status=0
	poll_until 30 _settled || fail "unbalanced: $("$LOADER" status --json)"
	kill "$LOADER_PID"
	wait "$LOADER_PID" || status=$?
	if ((status)); then
		cat "$CASE_TMP/loader.stderr"
		fail "the loader ended with status $status"
	fi
}

# stat_get NAME: value of a counter.
stat_get() {
	status ".counters.$1"
}

# -- what guest-init asks after each case ----------------------------------

# Texts of the kernel that fail a case, whatever the case itself says.
SPLAT='BUG: |WARNING: |Oops|general protection|KASAN|KCSAN|KFENCE|UBSAN'
SPLAT+='|INFO: task .* blocked|soft lockup|hard LOCKUP|rcu.*stall|Call Trace'
SPLAT+='|possible recursive locking|possible circular locking'
SPLAT+='|possible irq lock inversion|inconsistent lock state'
SPLAT+='|bad unlock balance|suspicious RCU usage|held lock freed|lock held when'
SPLAT+='|list_(add|del) corruption|refcount_t|leaked|unreferenced object'
SPLAT+='|suspected memory leak|forcepoll: .* has waited for .* seconds'
SPLAT+='|scheduling while atomic|sleeping function called|nobody cared'
# Taints that come with a splat: machine check, bad page, oops, warning, lockup.
# They tell of one that no text above knows.
SPLAT_TAINTS=$((1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

# case_splat: of the kernel's log, as it comes, the splat after the line in the file
# $CASE_SEEN, with some lines around it, if there is one; what, with the eight lines after
# it, splats.allowed knows is passed over to the end of its stack.
case_splat() {
	grep -vEf "$CASE_EXPECTED" | awk -v splat="$SPLAT" '
		FILENAME == ARGV[1] { seen = $0; next }
		FILENAME == ARGV[2] && /^(#|$)/ { next }
		FILENAME == ARGV[2] {
			alone[++known] = sub(/^alone:/, "")
			allowed[known] = $0
			next
		}
		$0 == seen && !found { found = 1; n = 0; next }
		{ line[++n] = $0 }
		END {
			if (!found) {
				print "not in the log any more: " seen
				exit
			}
			for (i = 1; i <= n; i++) {
				if (past) {
					past = line[i] !~ /<\/TASK>/
				} else if (line[i] ~ splat) {
					said = line[i]
					for (k = 1; k <= 8; k++)
						said = said " " line[i + k]
					for (k in allowed)
						if (match(said, allowed[k]) &&
						    RSTART <= length(line[i])) {
							past = 1
							no_stack = alone[k]
						}
					if (!past) break
					past = !no_stack
				}
			}
			for (k = i - 2; i <= n && k <= n && k < i + 40; k++)
				if (k > 0) print line[k]
			exit i > n
		}' "$CASE_SEEN" "$TOP/tests/splats.allowed" - && return
	local taints
	read -r taints </proc/sys/kernel/tainted
	((taints & SPLAT_TAINTS)) && echo "taints: $taints, see dmesg" && dmesg |
		tail -n 40
}

# Prints what a case has left behind, fails when there is something.
case_clean() {
	local left=() dir
	[[ ! -d /sys/module/forcepoll ]] || left+=("module forcepoll")
	[[ ! -e $PINS ]] || left+=("$PINS")
	for dir in "$CGROOT"/*/; do
		[[ ! -d $dir ]] || left+=("cgroup ${dir%/}")
	done
	[[ ! $(<"$CGROOT/cgroup.subtree_control") ]] || left+=("controllers")
	((!${#left[@]})) || (
		IFS=,
		echo "${left[*]}"
		exit 1
	)
}
