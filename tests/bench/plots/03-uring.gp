# SPDX-License-Identifier: GPL-2.0
# READ: What io_uring does by itself (IOPOLL) beside plain reads, and both with and
# READ: without forcepoll, which polls io_uring without IOPOLL, too.
set title head("Sync reads against io\\_uring's, each polled and not: latency")
set bmargin 7.8 # three lines of titles
set xlabel "time since the start of the run, s"
set ylabel "mean latency of each moment, µs"
plot for [i = 1:N] file index i - 1 using 1:2 with linespoints lt look(i) \
	title columnheader(1) noenhanced
