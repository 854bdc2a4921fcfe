# SPDX-License-Identifier: GPL-2.0
# READ: From trace --json, for each 1000 reads. Nothing to fault in: fio without its
# READ: map of what it has read, whose pages are the page faults. What is left are the
# READ: system calls that ask for the reads. Context switches are those of the
# READ: process.
set title head("What brings a reading process into the kernel, and off the CPU")
set ylabel "for each 1000 direct reads"
load "bars.gp"
