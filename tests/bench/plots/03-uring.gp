# SPDX-License-Identifier: GPL-2.0
# READ: What io_uring does by itself (IOPOLL; with SQPOLL a kernel thread submits as
# READ: well) beside plain reads, and both with and without forcepoll.
set title head("Sync reads against io\\_uring's, each polled and not: latency")
set xlabel "time since the start of the run, s"
set ylabel "mean latency of each moment, µs"
plot for [i = 1:N] file index i - 1 using 1:2 with linespoints lt look(i) \
	title columnheader(1) noenhanced
