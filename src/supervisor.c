/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A service manager gives a socket in the environment and gets a datagram for each change. An
 * address that begins with @ is abstract, a path must be absolute. It is connected to before
 * anything is mounted: a path that leads through a mount would have its daemon wait for itself. */

#include "supervisor.h"

#include "log.h"
#include "util.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* Whoever does not read must not keep the mounts from ending. */
static const struct timeval timeout = {.tv_sec = 1};

int supervisor_connect(const char *address)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t n = address ? strlen(address) : 0;
	autofd fd = -1;

	if (n == 0)
		return -1;
	if ((*address != '/' && *address != '@') || n == 1 || n >= sizeof name.sun_path) {
		log_warning("NOTIFY_SOCKET=%s: nobody is told when the mounts are live, for an "
			    "absolute path or @NAME is wanted, %zu bytes at most",
			address, sizeof name.sun_path - 1);
		return -1;
	}
	memcpy(name.sun_path, address, n);
	if (*address == '@')
		name.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
		connect(fd, (const struct sockaddr *)&name,
			offsetof(struct sockaddr_un, sun_path) + n) < 0) {
		log_warning("NOTIFY_SOCKET=%s: nobody is told when the mounts are live, for it "
			    "cannot be connected to: %s",
			address, log_error_name(-errno));
		return -1;
	}
	return fd_steal(&fd);
}

void supervisor_tell(int fd, const char *state)
{
	if (fd >= 0 && send(fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_warning("the service manager is not told %s, for the socket of NOTIFY_SOCKET "
			    "does not take it: %s",
			state, log_error_name(-errno));
}
