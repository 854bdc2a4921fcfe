#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: lets nobody but a privileged root see, change or bind targets, takes maps
# of no other kind, and polls for no more CPU time than cpu.max gives.
# TIMEOUT: 500
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program kfunc
cp "$LOADER" loader # wherever the tree is, nobody can read this copy
cp "$TOP/build/bpf/control.bpf.o" .
chmod go+rX . # whatever the umask is

nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
contained=("${nobody[@]}" unshare --user --map-root-user)
powerless=(setpriv --bounding-set=-all --inh-caps=-all --no-new-privs)

# denied CMD...: the kernel, or the loader, says so.
denied() {
	local out
	if out=$("$@" 2>&1) || ! grep -qE "ermission denied|not permitted|run as root" \
		<<<"$out"; then
		printf '%s\n' "command: $*" "$out"
		fail "not denied"
	fi
	echo "ok: denied: $*"
}

# -- who may ---------------------------------------------------------------------

# Nothing runs: not a directory is left of what they try.
nothing() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
cg_make db
for who in "${nobody[*]}" "${contained[*]}" "${powerless[*]}"; do
	# That is not denied, or nothing below would tell.
	# shellcheck disable=SC2086 # words
	check "$who" $who ./loader --help
	# shellcheck disable=SC2086
	denied $who ./loader --module "$KO" --cgroup "$CGROOT/db"
	check "and changes nothing" nothing
done

loader_start --cgroup "$CGROOT/db"
key=(1 0 0 0)
entry=(key "${key[@]}" value 0 0 0 0 0 0 0 0)
id=$("$LOADER" status --json | jq .targets_map_id)
now() { bpftool map dump -j id "$id"; }
bind=control_bind
! grep -qw forcepoll_bind_fd /proc/kallsyms || bind=control_bind_fd
run=(./kfunc control.bpf.o)

# A pin has its file's permissions and no others: root is its owner, powerless or not.
for who in "${nobody[*]}" "${contained[*]}"; do
	# shellcheck disable=SC2086 # words
	{
		denied $who bpftool map dump pinned "$PINS/targets"
		denied $who bpftool map update pinned "$PINS/targets" "${entry[@]}"
		denied $who rm "$PINS/targets"
		denied $who ./loader stop
	}
done
for who in "${nobody[*]}" "${contained[*]}" "${powerless[*]}"; do
	# shellcheck disable=SC2086
	{
		denied $who bpftool map dump id "$id"
		denied $who bpftool map update id "$id" "${entry[@]}"
		denied $who ./loader status
		denied $who "${run[@]}" control_stats
		denied $who "${run[@]}" control_release
		denied $who "${run[@]}" $bind
	}
done
check "nobody is a target" [ "$(now)" = "[]" ]
check "it is bound" [ "$("$LOADER" status --json | jq .bound)" = true ]

# With the program of root in hand.
for program in control_stats control_classes control_release $bind; do
	check "as nobody: $program" [ "$(./kfunc -u control.bpf.o "$program")" = EPERM ]
done
check "it is bound" [ "$("$LOADER" status --json | jq .bound)" = true ]

# All of that is possible.
check "root sees" bpftool map dump id "$id"
check "root changes" bpftool map update id "$id" "${entry[@]}"
check "it is there" [ "$(now | jq '.[].formatted.key')" = 1 ]
check "root deletes" bpftool map delete pinned "$PINS/targets" key "${key[@]}"
for program in control_stats control_classes control_release; do
	check "as root: $program" [ "$("${run[@]}" $program)" = OK ]
done
check "it is not bound" [ "$("$LOADER" status --json | jq .bound)" = false ]

private() { [[ -z $(find "$PINS" \( -type d ! -perm 700 -o ! -type d -perm /177 \
	-o ! -user root \) -print -quit) ]]; }
check "what is pinned is root's alone" private
check "it is all there" [ "$(find "$PINS" -type f | wc -l)" -ge 12 ]
loader_stop

# What others made, or may write to, is no place to pin.
"${nobody[@]}" mkdir "$PINS"
expect_fail 1 "$PINS: not root's:" "$LOADER" --module "$KO" --cgroup "$CGROOT/db"
check "nothing was pinned" [ -z "$(ls -A "$PINS")" ]
for command in status stop "--dry-run --all"; do # nor to be read, or shown
	# shellcheck disable=SC2086 # words
	expect_fail 1 "$PINS: not root's:" "$LOADER" $command
done
# shellcheck disable=SC2016 # jq's variables
bpffs() {
	! "$LOADER" doctor --json >said && holds '.checks[] | select(.name == "bpffs") |
		.status == "FAIL" and (.text | endswith($text))' --arg text "$1" said
}
check "doctor says so" bpffs "is not a directory of root's"
rmdir "$PINS"
for mode in 777 755; do # who may open it may hold its lock
	mkdir -m $mode "$PINS"
	expect_fail 1 "$PINS: not root's alone: chmod 700" "$LOADER" --module "$KO" \
		--cgroup "$CGROOT/db"
	check "doctor says so" bpffs "is not root's alone"
	rmdir "$PINS"
done
# Debian's kernels do not follow such a link themselves.
defer sysctl -qw "fs.protected_symlinks=$(sysctl -n fs.protected_symlinks)"
sysctl -qw fs.protected_symlinks=0
mkdir -m 755 /sys/fs/bpf/elsewhere
defer rmdir /sys/fs/bpf/elsewhere
defer rm -f "$PINS"
"${nobody[@]}" ln -s /sys/fs/bpf/elsewhere "$PINS"
expect_fail 1 "$PINS: Not a directory" "$LOADER" --module "$KO" --cgroup "$CGROOT/db"
rm "$PINS"

# -- which maps ------------------------------------------------------------------

check "insmod" insmod "$KO"
defer rmmod forcepoll
mkdir maps.bpf
mount -t bpf none maps.bpf
defer umount "$CASE_TMP/maps.bpf"
make_map() { # NAME TYPE KEY VALUE [MORE...]
	bpftool map create "maps.bpf/$1" type "$2" key "$3" value "$4" entries 16 \
		name "$1" "${@:5}"
}
make_map inner array 4 4
targets=(hash 4 8) devices=(hash 4 4)
make_map targets "${targets[@]}"
make_map devices "${devices[@]}"
bind_is() { # RESULT TARGETS DEVICES
	[ "$("${run[@]}" "$bind" "maps.bpf/$2" "maps.bpf/$3")" = "$1" ]
}

refuse() { # TYPE KEY VALUE [MORE...]
	make_map wrong "$@"
	check "no targets: $*" bind_is EINVAL wrong devices
	check "no devices: $*" bind_is EINVAL targets wrong
	check "it is not bound" poll_until 30 module_unused
	rm maps.bpf/wrong
}
for type in array percpu_hash lru_hash lru_percpu_hash percpu_array; do
	for size in 4 8; do
		refuse $type 4 $size
	done
done
for size in "8 8" "2 8" "4 16" "8 4" "4 1" "4 7"; do
	# shellcheck disable=SC2086 # words
	refuse hash $size
done
refuse hash_of_maps 4 4 inner_map pinned maps.bpf/inner
refuse array_of_maps 4 4 inner_map pinned maps.bpf/inner
check "in the other order" bind_is EINVAL devices targets

check "right ones" bind_is OK targets devices
check "again" bind_is OK targets devices
make_map others hash 4 8
check "others" bind_is EBUSY others devices
check "released" [ "$("${run[@]}" control_release)" = OK ]
check "once" [ "$("${run[@]}" control_release)" = ENOENT ]
check "it is not in use" poll_until 30 module_unused

# -- how long --------------------------------------------------------------------

dev=$(nvme_dev)
cg_controllers cpu
echo "20000 100000" >"$CGROOT/db/cpu.max"
cpu_stat() { sed -n "s/^$1 //p" "$CGROOT/db/cpu.stat"; }
loader_start --cgroup "$CGROOT/db"
# The kernel lets it go over, by a tick or as long as the host held the machine up, and
# has it back later.
for load in "psync --direct=1" "psync --direct=0 --invalidate=1" \
	"libaio --direct=1 --iodepth=8"; do
	stat_mark
	throttled=$(cpu_stat nr_throttled)
	used=$(cpu_stat usage_usec) start=${EPOCHREALTIME/./}
	# shellcheck disable=SC2086 # words
	check "$load" cg_run db fio --name=j --filename="/dev/$dev" --readonly \
		--rw=randread --bs=4k --size=256M --time_based --runtime=5 \
		--output=/dev/null --ioengine=$load
	used=$(($(cpu_stat usage_usec) - used)) start=$((${EPOCHREALTIME/./} - start))
	check "$used of $start us are 35 percent at the most" \
		[ $((used * 100)) -le $((start * 35)) ]
	check "it wanted more" [ "$(cpu_stat nr_throttled)" -gt "$throttled" ]
	check "polled" stat_is '.polled > 0'
done
loader_stop
check "the module is not in use" poll_until 30 module_unused
