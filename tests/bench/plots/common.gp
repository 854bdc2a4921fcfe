# SPDX-License-Identifier: GPL-2.0
# What all charts look like. tests/bench/plot sets type, out, name, file, looks, note
# and emulated; a chart sets title and axes, then plots.
W = 860
H = 500
if (type eq "svg") {
	set terminal svg size W,H dynamic enhanced font "sans-serif,14" \
		background "#ffffff" name sprintf("chart%s", name[1:2])
} else {
	set terminal pngcairo size W,H enhanced font "sans,11" background "#ffffff"
}
set output out
set encoding utf8
set datafile missing "NaN"

# Okabe and Ito's colours, which the colour-blind tell apart; and each its point.
# interrupts, polled, hybrid, auto, IOPOLL, another module
array COLOUR[6] = [0xD55E00, 0x0072B2, 0x009E73, 0xCC79A7, 0xE69F00, 0x000000]
array POINT[6] = [7, 5, 9, 11, 13, 6]
do for [i = 1:6] {
	set linetype i lc rgb COLOUR[i] lw 2 pt POINT[i] ps 0.8 dt 1
	set linetype i + 10 lc rgb COLOUR[i] lw 2 pt POINT[i] ps 0.8 dt 2
}
N = words(looks)
look(i) = int(word(looks, i))

set border 3 lc rgb "#404040"
set tics nomirror out textcolor rgb "#202020"
set grid ytics lc rgb "#d8d8d8" lw 1
set key at screen 0.5,0.02 center bottom horizontal samplen 2.5 spacing 1.1 maxrows 2
set lmargin 12
set bmargin 6.5
set rmargin 3
set format y "%.0f"
set bars 0.6
set yrange [0:*]
head(text) = sprintf("{/:Bold %s}\n{/*0.8 %s}%s", text, note, emulated ? \
	"\n{/*0.8:Bold EMULATED: compare the shapes, not the microseconds}" : "")
