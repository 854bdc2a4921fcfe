# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# NVMe over fabrics within one machine. For scripts in the guest, after tests/lib.sh.

nvmet=/sys/kernel/config/nvmet

# nvmet_load TYPE: what it takes to serve by this transport.
nvmet_load() {
	configfs_mount
	busybox ip link set lo up
	modprobe -a "nvmet-$1" "nvme-$1"
	defer modprobe -r "nvmet-$1" "nvme-$1"
}

# serve TYPE BACKING BUFFERED: a namespace of it, by this transport at port 1, by way of
# the page cache if BUFFERED is 1; served_not undoes it.
serve() {
	local dir=$nvmet/subsystems/fp-$1
	mkdir "$dir" "$dir/namespaces/1"
	echo 1 >"$dir/attr_allow_any_host"
	echo "$3" >"$dir/namespaces/1/buffered_io" # tmpfs of 6.1 knows no other
	echo -n "$2" >"$dir/namespaces/1/device_path"
	echo 1 >"$dir/namespaces/1/enable"
	port "$1" 1
}
# port TYPE N: one more way to it.
port() {
	local port=$nvmet/ports/$2
	mkdir "$port"
	echo "$1" >"$port/addr_trtype"
	if [[ $1 == tcp ]]; then
		echo ipv4 >"$port/addr_adrfam"
		echo 127.0.0.1 >"$port/addr_traddr"
		echo $((4419 + $2)) >"$port/addr_trsvcid"
	fi
	link "$1" "$2"
}
link() { ln -s "$nvmet/subsystems/fp-$1" "$nvmet/ports/$2/subsystems/"; }
unlink() { rm -f "$nvmet/ports/$2/subsystems/fp-$1"; }
served_not() {
	local dir=$nvmet/subsystems/fp-$1 port
	[[ -d $dir ]] || return 0
	for port in "$nvmet"/ports/*; do
		unlink "$1" "${port##*/}"
		rmdir "$port"
	done
	rmdir "$dir/namespaces/1" "$dir"
}

# connect TYPE OPTIONS: its controller is in $ctrl, its path in $path, its head in $dev.
connect() {
	local fd made
	exec {fd}<>/dev/nvme-fabrics
	echo "transport=$1,nqn=fp-$1,$2" >&"$fd"
	read -r made <&"$fd"
	exec {fd}>&-
	made=${made#*instance=}
	ctrl=nvme${made%%,*}
	poll_until 20 has_path
	path=$(basename "$(echo "/sys/class/nvme/$ctrl/nvme"*c*n*)")
	dev=nvme${path#nvme}
	dev=${dev/c*n/n}
	poll_until 20 test -b "/dev/$dev"
}
has_path() { compgen -G "/sys/class/nvme/$ctrl/nvme*c*n*" >/dev/null; }
disconnect() {
	local file
	for file in /sys/class/nvme/nvme*/subsysnqn; do
		! grep -qx "fp-.*" "$file" || echo 1 >"${file%/*}/delete_controller"
	done
}
