// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the loader when disks come or go, or are made of others than before. No
 * uevent would do: those of hidden disks, NVMe's paths, are suppressed for ever, md
 * sends none for a leg, and dm does so before it lets go of what was below.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} news SEC(".maps");

/* That there is some is all that it says. Where it is full, that is known. */
static int tell(void)
{
	__u8 nothing = 0;

	bpf_ringbuf_output(&news, &nothing, sizeof(nothing), 0);
	return 0;
}

/* At the ends of these functions sysfs has the change. */
SEC("fexit/device_add_disk")
int BPF_PROG(on_add)
{
	return tell();
}

SEC("fexit/del_gendisk")
int BPF_PROG(on_remove)
{
	return tell();
}

SEC("fexit/bd_link_disk_holder")
int BPF_PROG(on_link)
{
	return tell();
}

SEC("fexit/bd_unlink_disk_holder")
int BPF_PROG(on_unlink)
{
	return tell();
}

/* Which dm calls for each new table, also one of other targets on the same disks. */
SEC("fexit/set_disk_ro")
int BPF_PROG(on_table)
{
	return tell();
}
