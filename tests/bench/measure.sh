# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Measures one load at a time. For scripts in the guest, after tests/lib.sh.

CASE_TMP=$(mktemp -d) # what lib.sh calls it
defer rm -rf "$CASE_TMP"

# What the module has counted, and for how long it has polled.
counters() {
	"$LOADER" status --json | jq -c '.counters + {spin_ns: (.spin_ns | add)}'
}

# drive_ios DEVICE: reads and writes that it has completed.
drive_ios() {
	local stat
	read -ra stat <"/sys/class/block/$1/stat"
	echo $((stat[0] + stat[4]))
}

# measure ROW MODE CGROUP DEVICE FIO-ARGS...: runs fio in the cgroup, on the device
# or on $file, and prints a line of JSON: what fio says, and what the kernel counted
# meanwhile.
measure() {
	local row=$1 mode=$2 cg=$3 dev=$4 fio=$CASE_TMP/fio.json
	local irq="${dev%n[0-9]*}q[1-9]" # of the I/O queues, not of nvme0q0
	local before irqs drive
	shift 4
	before=$(counters) irqs=$(irq_count "$irq") drive=$(drive_ios "$dev")
	(
		echo "$BASHPID" >"$CGROOT/$cg/cgroup.procs"
		fio_json "$fio" --filename="${file:-/dev/$dev}" --bs=4k "$@"
	)
	irqs=$(($(irq_count "$irq") - irqs))
	drive=$(($(drive_ios "$dev") - drive))
	jq -ce --arg row "$row" --arg mode "$mode" --argjson irqs $irqs \
		--argjson drive $drive --argjson before "$before" \
		--argjson after "$(counters)" '.jobs[0] |
		{$row, $mode,
			jobs: (.["job options"].numjobs // "1" | tonumber)} +
		([.read, .write] | max_by(.total_ios) |
			{iops, ios: .total_ios, mean_ns: .lat_ns.mean,
			p99_ns: .clat_ns.percentile["99.000000"]}) +
		{ctx, cpu: (.usr_cpu + .sys_cpu), $irqs, $drive, counters: ($after |
			with_entries(.value -= $before[.key] |
				select(.value != 0)))} |
		select(.ios > 0)' "$fio" ||
		fail "no result: $row, $mode: $(<"$fio")"
}

# machine RUNS: a line of JSON about this machine, and how many runs will come.
machine() {
	jq -nc --argjson runs "$1" --arg kernel "$(uname -rv)" \
		--argjson cpus "$(nproc)" --arg cmdline "$(</proc/cmdline)" \
		--arg fio "$(fio --version)" \
		'{$runs, guest: {$kernel, $cpus, $cmdline, $fio}}'
}
