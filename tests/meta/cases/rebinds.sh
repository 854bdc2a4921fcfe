#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: gives a drive other poll queues and back.
set -eu
. "$(dirname "$0")/../../lib.sh"

pci=$(nvme_pci)
poll() { cat "/sys/block/$(nvme_dev)/queue/io_poll"; }
[ "$(poll)" = 1 ] || fail "no poll queue at boot"
nvme_rebind "$pci" 0
[ "$(poll)" = 0 ] || fail "there is a poll queue"
nvme_rebind "$pci" 1
[ "$(poll)" = 1 ] || fail "there is no poll queue"
