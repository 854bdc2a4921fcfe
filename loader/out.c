// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"
#include "out.h"

void out_open(void)
{
	static char room[8 << 20]; /* a line of every target that there can be */

	setvbuf(stdout, room, _IOFBF, sizeof(room));
}

bool out_takes(int fd, bool any_length)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	int unread = 0;

	if (!poll(&out, 1, 0))
		return false;
	if (out.revents & POLLERR) /* nobody reads: to write tells */
		return true;
	if (any_length && fcntl(fd, F_GETPIPE_SZ) >= 0)
		ioctl(fd, FIONREAD, &unread);
	return !unread;
}

static bool gone; /* whoever has read */

int out_flush(void)
{
	const int size = fcntl(STDOUT_FILENO, F_GETPIPE_SZ);
	const int needed = __fpending(stdout);
	int err;

	if (size >= 0 && size < needed)
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, needed);
	if (!fflush(stdout))
		return 0;
	err = -errno;
	gone = err == -EPIPE;
	return gone ? err : log_error(err, "stdout: %s", strerror(-err));
}

/* fclose() tells of what it writes itself; what was lost before is gone. */
int out_close(void)
{
	bool lost = ferror(stdout);
	int err = fclose(stdout) ? -errno : lost ? -EIO : 0;

	if (err == -EPIPE)
		gone = true;
	return err && !gone ? log_error(err, "stdout: %s", strerror(-err)) : 0;
}
