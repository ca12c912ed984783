/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that fail, one by one.
 *
 *     fault COMMAND [ARGUMENT...]    runs it, and says `exited STATUS` when it has ended; what it
 *                                    leaves in the background is served until that has ended, too
 *
 * Commands come on standard input, one a line; answers go to standard output, where nothing of
 * COMMAND's goes. The last line of each is `ok`:
 *
 *     watch                           calls are counted from now on
 *     fail NAME WHERE N ERROR [on]    the Nth of this name will fail with this number of an error,
 *                                     and with `on` so will all later ones; WHERE is `proc`: of
 *                                     those with a target below /proc, or `file`: of the others
 *     calls                           the end of that; the calls, one a line, in order:
 *                                     `N NAME TARGET`, and ` failed` behind it if it did
 *
 * Unlike strace's, the count is one of all threads, whichever of them makes the call; nothing is
 * traced; and what is not watched costs some microseconds. It is made of seccomp's notifications,
 * so it needs root. A target is a path, as far as it is known. Requests and their answers
 * (/dev/fuse), events, and what only reads a clock or takes a lock are no calls. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "which architecture?"
#endif

enum { N_CALLS_MAX = 4096, NONE = -1 };

typedef struct Call Call;
typedef struct Seen Seen;

/* What is watched: which arguments are the descriptor and the name of its target. */
struct Call {
	int number;
	const char *name;
	int fd, path;
};

#define CALL(call, fd, path)                                                                       \
	{                                                                                          \
		SYS_##call, #call, fd, path                                                        \
	}

static const Call calls[] = {
	CALL(openat, 0, 1),
	CALL(openat2, 0, 1),
	CALL(statx, 0, 1),
	CALL(newfstatat, 0, 1),
	CALL(fstat, 0, NONE),
	CALL(pread64, 0, NONE),
	CALL(pwrite64, 0, NONE),
	CALL(ftruncate, 0, NONE),
	CALL(fallocate, 0, NONE),
	CALL(copy_file_range, 2, NONE),
	CALL(ioctl, 0, NONE),
	CALL(lseek, 0, NONE),
	CALL(fsync, 0, NONE),
	CALL(fdatasync, 0, NONE),
	CALL(linkat, 2, 3),
	CALL(renameat, 2, 3),
	CALL(renameat2, 2, 3),
	CALL(unlinkat, 0, 1),
	CALL(mkdirat, 0, 1),
	CALL(symlinkat, 1, 2),
	CALL(fchown, 0, NONE),
	CALL(fchownat, 0, 1),
	CALL(fchmod, 0, NONE),
	CALL(utimensat, 0, 1),
	CALL(fsetxattr, 0, NONE),
	CALL(fgetxattr, 0, NONE),
	CALL(flistxattr, 0, NONE),
	CALL(fremovexattr, 0, NONE),
	CALL(getxattr, NONE, 0),
	CALL(listxattr, NONE, 0),
	CALL(fstatfs, 0, NONE),
	CALL(getdents64, 0, NONE),
	CALL(fcntl, 0, NONE),
	CALL(pidfd_open, NONE, NONE),
	CALL(mmap, NONE, NONE),
};
enum { N_KINDS = sizeof calls / sizeof *calls };

/* A call that has been counted. */
struct Seen {
	const Call *call;
	char target[200];
	bool failed;
};

static Seen seen[N_CALLS_MAX];
static unsigned n_seen;
static bool watches;
static const Call *fail_call; /* NULL: none */
static bool fail_proc;
static unsigned fail_after; /* so many of them pass */
static int fail_errno;
static bool fail_on;

/* ---- the filter ---- */

static int filter_install(void)
{
	struct sock_filter code[2 * N_KINDS + 8];
	struct sock_fprog program = {.filter = code};
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < N_KINDS; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	return (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void socket_send(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof fd)] = {};
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	if (sendmsg(socket, &message, 0) < 0)
		err(126, "cannot send");
}

static int socket_receive(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *head;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !(head = CMSG_FIRSTHDR(&message)))
		errx(126, "there is no filter");
	memcpy(&fd, CMSG_DATA(head), sizeof fd);
	return fd;
}

/* Runs the command under the filter. Returns the listener. */
static int command_start(char **argv, pid_t *ret_pid)
{
	int ends[2], listener;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		err(126, "socketpair");
	*ret_pid = fork();
	if (*ret_pid < 0)
		err(126, "fork");
	if (*ret_pid == 0) {
		if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || close(STDIN_FILENO) < 0 ||
			open("/dev/null", O_RDONLY) != STDIN_FILENO)
			err(126, "cannot lay out descriptors");
		listener = filter_install();
		if (listener < 0)
			err(126, "cannot install a filter");
		socket_send(ends[1], listener);
		close(listener);
		execv(argv[0], argv);
		err(126, "cannot execute %s", argv[0]);
	}
	close(ends[1]);
	listener = socket_receive(ends[0]);
	close(ends[0]);
	return listener;
}

/* ---- targets ---- */

static const Call *call_find(int number)
{
	for (unsigned i = 0; i < N_KINDS; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* What the descriptor leads to. */
static void describe_fd(pid_t tid, int fd, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		return;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)tid, fd);
	n = readlink(path, out, size - 1);
	out[n > 0 ? n : 0] = 0;
	/* Of what has been removed the kernel says so. */
	if (n > 10 && strcmp(out + n - 10, " (deleted)") == 0)
		out[n - 10] = 0;
}

static void describe_path(pid_t tid, uint64_t address, char *out, size_t size)
{
	struct iovec to = {out, size - 1}, from = {(void *)(uintptr_t)address, size - 1};
	ssize_t n;

	/* The string may end at the end of what can be read. */
	n = process_vm_readv(tid, &to, 1, &from, 1, 0);
	if (n <= 0) {
		from.iov_len = to.iov_len =
			4096 - address % 4096 < size ? 4096 - address % 4096 : size - 1;
		n = process_vm_readv(tid, &to, 1, &from, 1, 0);
	}
	out[n > 0 ? n : 0] = 0;
}

static void describe(const struct seccomp_notif *call, const Call *kind, char *out, size_t size)
{
	size_t n;

	*out = 0;
	if (kind->fd != NONE)
		describe_fd((pid_t)call->pid, (int)call->data.args[kind->fd], out, size);
	n = strlen(out);
	if (kind->path == NONE || n + 2 >= size || !call->data.args[kind->path])
		return;
	describe_path((pid_t)call->pid, call->data.args[kind->path], out + n + 1, size - n - 1);
	/* (With no name it is the descriptor itself.) */
	out[n] = n > 0 && out[n + 1] ? '/' : 0;
	if (n == 0)
		memmove(out, out + 1, strlen(out + 1) + 1);
}

/* Whether it counts as a call. */
static bool call_counts(const struct seccomp_notif *call, const Call *kind, const char *target)
{
	if (kind->number == SYS_fcntl)
		return (int)call->data.args[1] == F_DUPFD_CLOEXEC;
	if (kind->number == SYS_mmap)
		return (call->data.args[3] & MAP_ANONYMOUS) && call->data.args[2] != PROT_NONE;
	return strcmp(target, "/dev/fuse") != 0 && strncmp(target, "anon_inode:", 11) != 0 &&
	       strncmp(target, "pipe:", 5) != 0;
}

/* ---- answers ---- */

/* Whether this one is to fail. */
static bool call_fails(const Call *kind, const char *target)
{
	if (kind != fail_call || fail_proc != (strncmp(target, "/proc/", 6) == 0))
		return false;
	if (fail_after > 0) {
		fail_after--;
		return false;
	}
	if (!fail_on)
		fail_call = NULL;
	return true;
}

/* The error that the call is to fail with, or 0. */
static int call_judge(const struct seccomp_notif *call)
{
	const Call *kind = call_find(call->data.nr);
	Seen *next = &seen[n_seen];

	if (!watches || !kind || n_seen == N_CALLS_MAX)
		return 0;
	describe(call, kind, next->target, sizeof next->target);
	if (!call_counts(call, kind, next->target))
		return 0;
	n_seen++;
	next->call = kind;
	next->failed = call_fails(kind, next->target);
	return next->failed ? fail_errno : 0;
}

static void answer_call(int listener)
{
	struct seccomp_notif call = {};
	struct seccomp_notif_resp answer = {};

	/* Its caller may have been killed. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return;
	answer.id = call.id;
	answer.error = -call_judge(&call);
	answer.flags = answer.error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void print_calls(void)
{
	for (unsigned i = 0; i < n_seen; i++) {
		for (char *c = seen[i].target; *c; c++)
			if (*c == '\n')
				*c = '?';
		printf("%u %s %s%s\n", i + 1, seen[i].call->name, seen[i].target,
			seen[i].failed ? " failed" : "");
	}
}

static void obey_fail(const char *line)
{
	char name[32], where[8], on[8] = "";
	unsigned number;

	if (sscanf(line, "fail %31s %7s %u %d %7s", name, where, &number, &fail_errno, on) < 4)
		errx(2, "what is that: %s", line);
	for (unsigned i = 0; i < N_KINDS; i++)
		if (strcmp(calls[i].name, name) == 0)
			fail_call = &calls[i];
	if (!fail_call || number == 0)
		errx(2, "what is that: %s", line);
	fail_proc = strcmp(where, "proc") == 0;
	fail_after = number - 1;
	fail_on = strcmp(on, "on") == 0;
}

static void obey(const char *line)
{
	if (strcmp(line, "watch") == 0) {
		n_seen = 0;
		watches = true;
	} else if (strncmp(line, "fail ", 5) == 0) {
		obey_fail(line);
	} else if (strcmp(line, "calls") == 0) {
		watches = false;
		fail_call = NULL;
		print_calls();
	} else {
		errx(2, "what is that: %s", line);
	}
	printf("ok\n");
}

static void command_end(pid_t *pid)
{
	int status;

	if (*pid == 0 || waitpid(*pid, &status, WNOHANG) != *pid)
		return;
	printf("exited %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	*pid = 0;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2];
	char line[128];
	int listener;
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: fault COMMAND [ARGUMENT...]");
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	listener = command_start(argv + 1, &pid);
	fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	for (;;) {
		if (poll(fds, 2, pid ? 10 : -1) < 0 && errno != EINTR)
			err(126, "poll");
		command_end(&pid);
		if (fds[0].revents & POLLIN)
			answer_call(listener);
		if (fds[1].revents & (POLLIN | POLLHUP)) {
			if (fgets(line, sizeof line, stdin)) {
				line[strcspn(line, "\n")] = 0;
				obey(line);
			} else {
				watches = false;
				fds[1].fd = -1;
			}
		}
		if (!pid && (fds[0].revents & POLLHUP) && !(fds[0].revents & POLLIN))
			return 0;
	}
}
