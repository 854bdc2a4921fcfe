# SPDX-License-Identifier: GPL-2.0
#
#     BTF of a kernel          bpf/*.bpf.c                  kmod/*.c
#        | GEN-VMLINUX             |                           | KMOD
#        v                         | BPF                       v
#  build/bpf/vmlinux.h ------------+                 forcepoll.ko as kbuild
#                                  v                           | makes it
#                          build/bpf/*.bpf.o                   | BTF
#                                  | SKEL                      v
#                                  v            build/<release>/forcepoll.ko
#       loader/*.c --- CC --- build/bpf/*.skel.h
#                      | LD
#                      v
#            build/forcepoll-loader
#
# One rule an arrow, named by its tag. Nothing is written outside build/.
#
## make [TARGET...] [VARIABLE=VALUE...]
##
##   all        loader and kmod (default)
##   loader     build/forcepoll-loader, the BPF programs inside; an example of a
##              policy in build/bpf
##   kmod       build/<release>/forcepoll.ko for each release in KREL
##   install    loader, man page and module; uninstall takes them away
##   dkms       source of the module in /usr/src, for DKMS
##   deps       Debian's packages for all of this, where missing
##   demo       what forcepoll does, shown in a virtual machine
##   check      all tests, in virtual machines, on two kernels
##   soak       for an hour, or MINUTES, all that may happen to drives, CPUs and loader
##   debug-kernel  a kernel that looks for mistakes, from Debian's source
##   bench      measurements, in a virtual machine: tables, then charts and a report
##              in build/bench
##   bench-compare  instructions for each I/O, of this tree and of BASE
##   vm         a shell in such a machine
##   lint       style and static checks
##   fuzz       what the loader parses, given to libFuzzer for SECONDS
##   coverage   lines of the loader that the fast cases run
##   clean      remove build/
##
##   KREL       kernels, each a release or a series such as 6.1. To build for:
##              the running one, or if that has no headers all that have. To
##              test with: 6.12 and 6.1
##   KDIR       build tree of the kernel, for one not in /lib/modules
##   VMLINUX    BTF, vmlinux or vmlinuz from which BPF programs get their types
##   KERNEL     debug: test with that kernel
##   CASE, SET  the only test to run; or those of a set: slow, debug (.ci/run has these)
##   QUICK=1    bench in some minutes, once and with fewer points; check without the
##              slow tests
##   WITHIN     check: seconds, after which what has not ended is skipped
##   SEED       soak: the one it has printed, to do the same again
##   BASE       the revision to compare with
##   SECONDS    how long to fuzz (60)
##   PREFIX     where to install the loader (/usr/local), DESTDIR before it
##   CHECKPATCH checkpatch.pl of a kernel source, for lint (linux-source's)
##   V=1        show the commands
##
## make kmod KREL=6.1.0-56-amd64    # for another kernel than the running one
## make check KREL=6.12 CASE=fork   # one test on one kernel

B       := build
PREFIX  ?= /usr/local
CLANG   ?= clang
CFLAGS  ?= -O2 -g
# Debian keeps bpftool and depmod out of the path of users.
export PATH := $(PATH):/usr/sbin:/sbin
export CHECKPATCH

ifeq ($(V),1)
say =
else
Q   := @
say = @printf '  %-11s %s\n' $1 $@
endif

.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SUFFIXES:
.PHONY: all loader kmod install uninstall dkms deps test-kernels demo check \
	bench bench-compare vm lint clean help debug-kernel no-headers programs \
	soak fuzz coverage

all: loader kmod

help:
	@sed -n 's/^## \{0,1\}//p' Makefile

clean:
	$(Q)rm -rf $(B)

# --- BPF: types, object, skeleton ---------------------------------------------

# The newest types at hand: CO-RE drops what a kernel lacks, but cannot guess
# what the types lack.
VMLINUX ?= $(lastword $(shell \
	ls -d /lib/modules/*/build/vmlinux 2>/dev/null | sort -V))
ARCH    := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF     := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
SKELS   := $(BPF:%=$(B)/bpf/%.skel.h)
# For users, to begin with: not part of anything.
EXAMPLE := $(B)/bpf/policy_example.o

# -mcpu=v3: 32-bit arithmetic and atomics, known to every kernel with kfuncs.
BPFFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) \
	-Wall -Werror -I$(B)/bpf -Ibpf -Ikmod

$(B)/bpf/vmlinux.h: vmlinux-gen $(VMLINUX)
	$(call say,GEN-VMLINUX)
	@mkdir -p $(@D)
	$(Q)./vmlinux-gen $(VMLINUX) >$@

$(BPF:%=$(B)/bpf/%.bpf.o): $(B)/bpf/%.bpf.o: bpf/%.bpf.c $(B)/bpf/vmlinux.h \
		Makefile
	$(call say,BPF)
	$(Q)$(CLANG) $(BPFFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) \
		-c $< -o $(@:.bpf.o=.tmp.o)
	$(Q)bpftool gen object $@ $(@:.bpf.o=.tmp.o)

$(EXAMPLE): $(B)/bpf/%.o: bpf/%.c bpf/forcepoll.h $(B)/bpf/vmlinux.h Makefile
	$(call say,BPF)
	$(Q)$(CLANG) $(BPFFLAGS) -c $< -o $@

# What bpftool makes is not ours to lint.
$(SKELS): %.skel.h: %.bpf.o
	$(call say,SKEL)
	$(Q)echo '/* NOLINTBEGIN */' >$@ && bpftool gen skeleton $< >>$@ && \
		echo '/* NOLINTEND */' >>$@

# --- loader -------------------------------------------------------------------

OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard loader/*.c))

LOADER_CFLAGS := -std=gnu11 -Wall -Wextra -Wstrict-prototypes \
	-Wmissing-prototypes -Werror=implicit -Werror=int-conversion \
	-Werror=incompatible-pointer-types -Werror=return-type \
	-Werror=format $(if $(CI),-Werror) -D_GNU_SOURCE -Ibpf -I$(B)/bpf -I$(B)/loader

LOADER_LIBS := -lbpf -lelf -lz -ldevmapper -lm

loader: $(B)/forcepoll-loader $(EXAMPLE)

# "[0] = "read"," and so on, from "#define __NR_read 0".
$(B)/loader/syscalls_%.h:
	$(call say,GEN)
	@mkdir -p $(@D)
	$(Q)echo '#include <$(SYSCALLS_$*)>' | $(CC) $(CPPFLAGS) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' \
		>$@ && test -s $@
SYSCALLS_native := sys/syscall.h
SYSCALLS_32     := asm/unistd_32.h
$(addsuffix loader/syscalls.o,$(B)/ $(B)/fuzz/ $(B)/coverage/): \
	$(B)/loader/syscalls_native.h \
	$(if $(filter x86,$(ARCH)),$(B)/loader/syscalls_32.h)

# Skeletons come first, once; from then on the .d files tell who includes which.
$(OBJS): $(B)/%.o: %.c Makefile | $(SKELS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LOADER_CFLAGS) -MMD -MP -c $< -o $@

$(B)/forcepoll-loader: $(OBJS)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LOADER_LIBS) -o $@

-include $(OBJS:.o=.d) $(BPF:%=$(B)/bpf/%.bpf.d)

# --- module -------------------------------------------------------------------

given := $(filter-out undefined,$(origin KREL))
ifdef KDIR
KREL  := $(shell cat $(KDIR)/include/config/kernel.release)
endif
have  := $(patsubst /lib/modules/%/build/include/config/kernel.release,%, \
	$(wildcard /lib/modules/*/build/include/config/kernel.release))
KREL  ?= $(or $(filter $(shell uname -r),$(have)),$(have))
RELS  := $(foreach k,$(KREL),$(or $(filter $k $k.%,$(have)),$k))
KOS   := $(RELS:%=$(B)/%/forcepoll.ko)
KMODS := $(RELS:%=$(B)/%/kmod/forcepoll.ko)
# Where tests/kernel keeps its images, whose BTF vmlinux-gen knows to use, and what
# modules for the debug kernel are built with.
images = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/forcepoll/kernels
kdir   = $(or $(KDIR),$(wildcard $(images)/$*/build),/lib/modules/$*/build)

kmod: $(or $(KOS),no-headers)

no-headers:
	@echo "no kernel headers in /lib/modules: apt-get install" \
		"linux-headers-amd64, or give KDIR=" >&2; exit 1

# kbuild writes where its sources are: it gets links to them, in a directory for
# each kernel, with ../bpf beside it as in the tree. It remakes only what has
# changed; touch tells make that it was asked. What our command line says, CC=
# or CFLAGS=, is for the loader and not for a kernel. Without vmlinux kbuild
# would skip BTF with a mere warning: that is left to kmod/btf.
$(KMODS): MAKEOVERRIDES :=
$(KMODS): $(B)/%/kmod/forcepoll.ko: \
		$(wildcard kmod/*.[ch]) kmod/Kbuild bpf/forcepoll.h
	@[ -f $(kdir)/Makefile ] || { echo "$(kdir): no headers of this kernel:" \
		"apt-get install linux-headers-$*" >&2; exit 1; }
	@command -v pahole >/dev/null || { echo "no pahole to make the module's" \
		"BTF with: apt-get install dwarves" >&2; exit 1; }
	$(call say,KMOD)
	@mkdir -p $(@D)
	@ln -sfn $(CURDIR)/bpf $(B)/$*/bpf
	@ln -sf $(CURDIR)/kmod/*.[ch] $(CURDIR)/kmod/Kbuild $(@D)
	$(Q)$(MAKE) --no-print-directory $(if $(Q),-s,V=1) -C $(kdir) \
		M=$(CURDIR)/$(@D) \
		$(if $(wildcard $(kdir)/vmlinux),,CONFIG_DEBUG_INFO_BTF_MODULES=) \
		$(if $(CI),KCFLAGS=-Werror) modules
	@touch $@

$(KOS): $(B)/%/forcepoll.ko: $(B)/%/kmod/forcepoll.ko kmod/btf vmlinux-gen \
		$$(wildcard $(images)/$$*/vmlinuz)
	$(call say,BTF)
	$(Q)KREL=$* kmod/btf $(kdir) $< $@

# --- installation -------------------------------------------------------------

MODDIR  = $(DESTDIR)/lib/modules/$1/updates
# depmod only for this system: a package does it when it is installed.
depmod  = $(if $(DESTDIR),,$(Q)for r in $(RELS); do depmod $$r || exit; done)
VERSION = $(shell sed -n 's/^PACKAGE_VERSION=//p' kmod/dkms.conf)
DKMSDIR = $(DESTDIR)/usr/src/forcepoll-$(VERSION)

install: all
	$(Q)install -D -m 755 $(B)/forcepoll-loader \
		$(DESTDIR)$(PREFIX)/sbin/forcepoll-loader
	$(if $(wildcard loader/forcepoll-loader.8),$(Q)install -D -m 644 \
		loader/forcepoll-loader.8 \
		$(DESTDIR)$(PREFIX)/share/man/man8/forcepoll-loader.8)
	$(Q)set -e; for r in $(RELS); do install -D -m 644 \
		$(B)/$$r/forcepoll.ko $(call MODDIR,$$r)/forcepoll.ko; done
	$(depmod)

uninstall:
	$(Q)rm -f $(DESTDIR)$(PREFIX)/sbin/forcepoll-loader \
		$(DESTDIR)$(PREFIX)/share/man/man8/forcepoll-loader.8 \
		$(foreach r,$(RELS),$(call MODDIR,$r)/forcepoll.ko)
	$(depmod)

# DKMS wants its file at the top, and calls "make kmod" here.
dkms:
	$(Q)install -d $(DKMSDIR)/kmod $(DKMSDIR)/bpf
	$(Q)install -m 644 kmod/dkms.conf Makefile $(DKMSDIR)
	$(Q)install -m 755 vmlinux-gen $(DKMSDIR)
	$(Q)install -m 644 bpf/*.h $(DKMSDIR)/bpf
	$(Q)install -m 644 kmod/*.[ch] kmod/Kbuild kmod/dkms.conf $(DKMSDIR)/kmod
	$(Q)install -m 755 kmod/btf $(DKMSDIR)/kmod
	@echo "dkms install forcepoll/$(VERSION)"

# --- tests --------------------------------------------------------------------

TESTED := $(or $(KERNEL),$(if $(given),$(KREL),6.12 6.1))

# The programs that cases run: made here, as a compiler takes its time there.
TESTS     := $(patsubst tests/src/%.c,$(B)/tests/%, \
	$(filter-out %.bpf.c,$(wildcard tests/src/*.c)))
TESTS_BPF := $(patsubst tests/src/%.c,$(B)/tests/%.o,$(wildcard tests/src/*.bpf.c))

$(TESTS): $(B)/tests/%: tests/src/%.c bpf/forcepoll.h Makefile
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -O1 -fno-omit-frame-pointer -Wall -pthread \
		$(if $(CI),-Werror) -o $@ $< $(TESTS_LIBS)
$(B)/tests/attach $(B)/tests/fill $(B)/tests/fuzz $(B)/tests/kfunc: \
	TESTS_LIBS := -lbpf
$(B)/tests/inflight_uring: TESTS_LIBS := -luring
# What the loader calls the module with.
$(B)/tests/bindings: $(B)/loader/control.o $(B)/loader/log.o
$(B)/tests/bindings: TESTS_LIBS := $(B)/loader/control.o $(B)/loader/log.o -lbpf

$(TESTS_BPF): $(B)/tests/%.bpf.o: tests/src/%.bpf.c bpf/forcepoll.h \
		bpf/map_targets.h kmod/forcepoll_kfunc.h $(B)/bpf/vmlinux.h Makefile
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -c $< -o $@

# A module that the emulated machines load beside their drives' driver.
DOORBELLS := $(RELS:%=$(B)/%/tests/fp_doorbells.ko)
$(DOORBELLS): MAKEOVERRIDES :=
$(DOORBELLS): $(B)/%/tests/fp_doorbells.ko: $(wildcard tests/kmod/*)
	$(call say,KMOD)
	@mkdir -p $(@D)
	@ln -sf $(CURDIR)/tests/kmod/* $(@D)
	$(Q)$(MAKE) --no-print-directory $(if $(Q),-s,V=1) -C $(kdir) \
		M=$(CURDIR)/$(@D) CONFIG_DEBUG_INFO_BTF_MODULES= \
		$(if $(CI),KCFLAGS=-Werror) modules
	@touch $@

programs: $(TESTS) $(TESTS_BPF) $(DOORBELLS)

deps:
	$(Q)tests/deps

# A module is for one release to the letter, so ask first which ones will boot.
# An image that apt knows, and the archive no longer has, is worth an update.
test-kernels: deps
	$(Q)rels=$$(for k in $(TESTED); do tests/kernel $$k || \
		{ tests/deps --update >&2 && tests/kernel $$k; } || exit; \
		done) && \
		$(MAKE) --no-print-directory KREL="$$(echo $$rels)" all programs

debug-kernel:
	$(Q)tests/debug-kernel

check: test-kernels
	$(Q)tests/run $(TESTED:%=--krel %) $(CASE:%=--case %) $(SET:%=--set %) \
		$(if $(QUICK),--quick) $(WITHIN:%=--within %)

# MINUTES=60, SEED=N: what has failed once can be had again.
soak: test-kernels
	$(Q)FORCEPOLL_SECONDS=$$(($(or $(MINUTES),60) * 60)) FORCEPOLL_SEED=$(SEED) \
		tests/run $(TESTED:%=--krel %) --verbose --case soak

demo: test-kernels
	$(Q)tests/demo

# QUICK=1: charts alone, of one short run each.
bench: test-kernels
	$(if $(QUICK),,$(Q)tests/bench/run)
	$(Q)tests/bench/collect $(if $(QUICK),--quick)

bench-compare: test-kernels
	$(Q)tests/bench/compare $(or $(BASE),$(error bench-compare needs BASE=REVISION))

vm: test-kernels
	$(Q)tests/run --krel $(firstword $(TESTED)) --shell

lint:
	$(Q)tests/lint

# --- coverage -----------------------------------------------------------------

COVER_OBJS := $(OBJS:$(B)/%=$(B)/coverage/%)

$(COVER_OBJS): $(B)/coverage/%.o: %.c Makefile | $(SKELS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -g -O0 --coverage $(LOADER_CFLAGS) -MMD -MP -c $< -o $@

$(B)/coverage/loader/forcepoll-loader: $(COVER_OBJS)
	$(call say,LD)
	$(Q)$(CC) --coverage $(LDFLAGS) $^ $(LOADER_LIBS) -o $@

-include $(COVER_OBJS:.o=.d)

coverage: test-kernels $(B)/coverage/loader/forcepoll-loader
	$(Q)tests/coverage $(CASE)

# --- fuzzing ------------------------------------------------------------------

# The loader's own objects, built to be watched. A target takes of them what it needs,
# and puts itself in the place of some functions: those that read or that exit.
FUZZ      := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_OBJS := $(OBJS:$(B)/%=$(B)/fuzz/%)
FUZZFLAGS := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all

$(B)/fuzz/args: WRAP := argp_parse argp_error
$(B)/fuzz/numbers: WRAP := argp_error
$(B)/fuzz/ksyms: WRAP := fopen log_error
$(B)/fuzz/maps $(B)/fuzz/elf: WRAP := fopen open
$(B)/fuzz/maps: WRAP += stat

# libFuzzer has a main() of its own.
$(B)/fuzz/loader/main.o: RENAME := -Dmain=loader_main -Wno-missing-prototypes

$(FUZZ_OBJS): $(B)/fuzz/%.o: %.c Makefile | $(SKELS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer-no-link \
		$(LOADER_CFLAGS) $(RENAME) -MMD -MP -c $< -o $@

$(B)/fuzz/loader.a: $(FUZZ_OBJS)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZ): $(B)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(B)/fuzz/loader.a
	$(call say,CC)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer $(LOADER_CFLAGS) \
		-Iloader $(WRAP:%=-Wl,--wrap=%) $< $(B)/fuzz/loader.a \
		$(LOADER_LIBS) -o $@

-include $(FUZZ_OBJS:.o=.d)

fuzz: $(FUZZ)
	$(Q)tests/fuzz/run $(or $(SECONDS),60) $(notdir $(FUZZ))
