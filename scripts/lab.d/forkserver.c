// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into the emulator: once the guest has booted, the emulator stops
 * and forks a copy of itself for every run. A copy starts in milliseconds and
 * is the booted machine in every detail, which saved states are not.
 *
 * The emulator asks its screen for keys (wgetch) from a timer, when all CPUs
 * are between two instructions. If the file ARM has appeared, that call does
 * not return until there is a run to be done, and then it does so in the copy.
 * A run connects to SOCKET and sends 'r' and the files that take the place of
 * the booting machine's, or 'q' for an end. The connection stays open: its end tells the run that the
 * copy is gone, and ends the copy when the run is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ARM	"/mnt/arm"
#define SOCKET	"/mnt/socket"
#define REDOLOG	"/mnt/disk.redo"
#define TERMINAL	"/dev/ptmx"
#define IDLE_MS	(15 * 60 * 1000)

/* What a run sends, in this order, and the terminal for the screen. */
static const char *const replaced[] = {
	"/mnt/console", "/mnt/output", "/mnt/job", "/mnt/log",
};

#define N_REPLACED	(sizeof(replaced) / sizeof(replaced[0]))
#define N_SENT		(N_REPLACED + 1)

#define MAX_FD		256

static int path_of(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	if (n < 0)
		return -1;
	path[n] = '\0';
	return 0;
}

static int fd_of(const char *name)
{
	char path[4096];
	int fd;

	for (fd = 0; fd < MAX_FD; fd++) {
		if (!path_of(fd, path, sizeof(path)) && !strcmp(path, name))
			return fd;
	}
	return -1;
}

/* The blocks that the guest has changed so far, for a copy to change more. */
static int copy_file(int source)
{
	int copy = memfd_create("copy", 0);
	off_t offset = 0;
	struct stat st;

	if (copy < 0 || fstat(source, &st))
		return -1;
	while (offset < st.st_size) {
		if (sendfile(copy, source, &offset, st.st_size - offset) <= 0)
			return -1;
	}
	return copy;
}

/*
 * Copies share the files of the booted machine, with their positions. Open
 * them anew, and duplicate the one that is written.
 */
static int separate_files(void)
{
	char path[4096], link[64];
	struct stat st;
	int fd;

	for (fd = 0; fd < MAX_FD; fd++) {
		int flags = fcntl(fd, F_GETFL), fresh;

		if (flags < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		    path_of(fd, path, sizeof(path)))
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (!strncmp(path, REDOLOG, strlen(REDOLOG)))
			fresh = copy_file(fd);
		else
			fresh = open(link, flags & (O_ACCMODE | O_APPEND));
		if (fresh < 0 || lseek(fresh, lseek(fd, 0, SEEK_CUR), SEEK_SET) < 0 ||
		    dup2(fresh, fd) < 0)
			return -1;
		close(fresh);
	}
	return 0;
}

static int receive(int connection, int *fds)
{
	char control[CMSG_SPACE(sizeof(int) * N_SENT)], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;

	if (recvmsg(connection, &message, 0) != 1)
		return -1;
	if (byte == 'q') {
		unlink(SOCKET);
		_exit(0);
	}
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int) * N_SENT))
		return -1;
	memcpy(fds, CMSG_DATA(header), sizeof(int) * N_SENT);
	return 0;
}

/* In the copy: become the machine of the run at the other end. */
static void become(int connection, const int *fds)
{
	size_t i;

	/* SIGIO ends us when the run closes the connection, however it ends. */
	signal(SIGIO, SIG_DFL);
	if (separate_files())
		_exit(1);
	if (fcntl(connection, F_SETOWN, getpid()) ||
	    fcntl(connection, F_SETFL, O_ASYNC))
		_exit(1);
	for (i = 0; i < N_REPLACED; i++) {
		int fd = fd_of(replaced[i]);

		if (fd < 0 || dup2(fds[i], fd) < 0)
			_exit(1);
		close(fds[i]);
	}
	dup2(fds[N_REPLACED], 1);
	dup2(fds[N_REPLACED], 2);
	close(fds[N_REPLACED]);
	/* Closed before we could notice? */
	if (send(connection, "r", 1, MSG_NOSIGNAL) != 1)
		_exit(1);
}

static void serve(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd poll_listener = { .fd = listener, .events = POLLIN };

	/* The emulator's own alarm would have us wait for ever. */
	alarm(0);
	strcpy(address.sun_path, SOCKET);
	unlink(SOCKET);
	fflush(NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* From here on no run is our owner. */
	prctl(PR_SET_PDEATHSIG, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 64))
		_exit(1);

	while (poll(&poll_listener, 1, IDLE_MS) > 0) {
		int connection = accept(listener, NULL, NULL);
		int fds[N_SENT];
		size_t i;

		if (connection < 0)
			continue;
		if (receive(connection, fds)) {
			close(connection);
			continue;
		}
		if (!fork()) {
			close(listener);
			become(connection, fds);
			return;
		}
		for (i = 0; i < N_SENT; i++)
			close(fds[i]);
		close(connection);
	}
	unlink(SOCKET);
	_exit(0);
}

/*
 * The emulator draws its screen on a terminal of its own making, which nobody
 * reads. When what it has room for is full, the emulator waits for ever: all
 * copies draw on the same one.
 */
static void discard_screen(void)
{
	int fd = fd_of(TERMINAL), null = open("/dev/null", O_RDWR);

	if (fd >= 0 && null >= 0)
		dup2(null, fd);
	close(null);
}

int wgetch(void *window)
{
	static int discarded, done;

	(void)window;
	if (!discarded) {
		discarded = 1;
		discard_screen();
	}
	if (!done && !access(ARM, F_OK)) {
		done = 1;
		serve();
	}
	/* ERR: there never is a key. */
	return -1;
}
