// SPDX-License-Identifier: GPL-2.0
/*
 * Each check looks at one thing that polling needs, for what it is and not by
 * version numbers, and adds a line to the report; below it the fix, in words
 * and, behind a tab, in commands or lines of a file to be copied.
 *
 *   system: root, kernel, ftrace, mounts --> module --> CPUs --> devices
 *
 * Runs anywhere: what cannot be seen is said to be so, and does not fail.
 */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/libbpf.h>

#include "device.h"
#include "doctor.h"
#include "doctor_checks.h"
#include "doctor_report.h"
#include "log.h"

static void examine(struct report *r, const char *module, const char *pin_dir)
{
	check_root(r);
	check_kernel(r);
	check_ftrace(r);
	check_rival(r);
	check_bpffs(r, pin_dir);
	check_cgroup(r);
	check_debugfs(r);
	check_module(r, module);
	check_cpus(r);
	check_devices(r);
}

int doctor_run(bool json, const char *module_path, const char *pin_dir)
{
	struct report r = { .online = sysconf(_SC_NPROCESSORS_ONLN) };
	int possible = libbpf_num_possible_cpus();
	struct utsname uts;

	r.possible = possible > 0 ? possible : 1;
	uname(&uts);
	r.release = uts.release;
	r.nr_devices = device_list(&r.devices);
	if (r.nr_devices < 0)
		return log_error(r.nr_devices, "/sys/block: %s",
				 strerror(-r.nr_devices));
	examine(&r, module_path, pin_dir);
	if (r.err) {
		log_error(r.err, "%s", strerror(-r.err));
	} else {
		(json ? report_json : report_text)(&r);
		r.err = report_failed(&r, 0);
	}
	report_free(&r);
	device_free(r.devices, r.nr_devices);
	return r.err;
}
