# SPDX-License-Identifier: GPL-2.0
# READ: All ways of waiting: most of the reads at the left, the slowest one in 10000
# READ: at the right. A p99.99 needs some 100000 reads a run to mean much: give it
# READ: --seconds. Auto is forcepoll's own choice, hybrid sleeps first.
if (name eq "12-writes") {
	set title head("Direct 4 KiB writes, one after the other: latency percentiles")
} else {
	set title head("Direct 4 KiB reads, one after the other: latency percentiles")
}
set xlabel "percentile"
set ylabel "latency, µs (logarithmic)"
set logscale y
set yrange [*:*]
set xrange [-0.3:4.3]
set grid xtics
set xtics ("p50" 0, "p90" 1, "p99" 2, "p99.9" 3, "p99.99" 4)
plot for [i = 1:N] file index i - 1 using ($1 + (i - (N + 1) / 2.0) * 0.06):2:3:4 \
	with yerrorlines lt look(i) title columnheader(1)
