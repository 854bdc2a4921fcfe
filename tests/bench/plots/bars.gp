# SPDX-License-Identifier: GPL-2.0
# Bars side by side with their extremes. What is to be read at the bars is for the one
# who sets the axes.
set style data histograms
set style histogram errorbars gap 1.5 lw 1.5
set style fill solid 0.85 border rgb "#404040"
set grid noxtics
set xtics scale 0
plot for [i = 1:N] file using 3 * i - 1:3 * i:3 * i + 1:xtic(1) lt look(i) \
	title columnheader(3 * i - 1)
