# SPDX-License-Identifier: GPL-2.0
# READ: One process keeps 1 to 128 reads in flight. Dashed is libaio, which cannot
# READ: poll by itself; solid is io_uring, IOPOLL its own polling.
set title head("Direct 4 KiB reads, 1 to 128 in flight: libaio and io\\_uring")
set bmargin 7.8 # three lines of titles
set xlabel "queue depth (logarithmic)"
set ylabel "thousand reads per second"
set logscale x 2
set xrange [0.9:142] # room for whiskers
plot for [i = 1:N] file index i - 1 using 1:2:3:4 with yerrorlines lt look(i) \
	title columnheader(1) noenhanced
