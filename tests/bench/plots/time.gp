# SPDX-License-Identifier: GPL-2.0
# A latency over time: the median of the repetitions, the extremes shaded.
set xlabel "time since the start of the run, s"
set ylabel "mean latency of each moment, µs"
set style fill transparent solid 0.15 noborder
plot for [i = 1:N] file index i - 1 using 1:3:4 with filledcurves lt look(i) notitle, \
	for [i = 1:N] file index i - 1 using 1:2 with linespoints lt look(i) \
	title columnheader(1)
