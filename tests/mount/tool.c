/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shell cannot do with files, one command at a time.
 *
 *     tool COMMAND ARGS [-- COMMAND ARGS]...    run the commands, print each result
 *     tool steer                                read commands from standard input, one a line
 *
 * Descriptors and mappings live in numbered slots, so that a script says when they end. A steered
 * tool answers each line with "ok RESULT" or "err COMMAND ERRNO" and goes on; a tool with arguments
 * prints RESULT or ERRNO and stops with status 1 at the first error. In texts \n, \s and \0 stand
 * for newline, space and a zero byte, both ways.
 *
 * A fork (command `fork`) goes on as a second steered tool with the same descriptors, on fifos of
 * its own: the daemon that outlives its parent. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { N_SLOTS = 32, MAX_WORDS = 32, MAX_LINE = 4096, MAX_RESULT = 1 << 18 };

typedef struct {
	int fd;
	char *map;
	size_t map_size;
} Slot;

typedef struct {
	const char *name;
	int n_args; /* at least so many */
	int (*run)(int argc, char **argv);
	const char *args;
} Command;

static Slot slots[N_SLOTS];
static char result[MAX_RESULT];

/* ---- words ---- */

__attribute__((noreturn)) static void usage_error(const char *what, const char *word)
{
	fprintf(stderr, "tool: bad %s: %s\n", what, word);
	exit(2);
}

static Slot *slot_of(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*word == '\0' || *end != '\0' || n >= N_SLOTS)
		usage_error("slot", word);
	return &slots[n];
}

static long long number_of(const char *word)
{
	char *end;
	long long n = strtoll(word, &end, 0);

	if (*word == '\0' || *end != '\0')
		usage_error("number", word);
	return n;
}

static unsigned mode_of(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 8);

	if (*word == '\0' || *end != '\0')
		usage_error("mode", word);
	return (unsigned)n;
}

/* Replaces \n, \s and \0 in place; returns the length, for a zero byte may be in it. */
static size_t unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		from++;
		if (*from == 'n')
			*to++ = '\n';
		else if (*from == 's')
			*to++ = ' ';
		else if (*from == '0')
			*to++ = '\0';
		else
			usage_error("escape", text);
	}
	*to = '\0';
	return (size_t)(to - text);
}

static void result_append(const char *data, size_t size)
{
	size_t n = strlen(result);

	for (size_t i = 0; i < size && n + 3 < sizeof(result); i++) {
		char c = data[i];

		if (c == '\n' || c == ' ' || c == '\0') {
			result[n++] = '\\';
			result[n++] = c == '\n' ? 'n' : c == ' ' ? 's' : '0';
		} else {
			result[n++] = c;
		}
	}
	result[n] = '\0';
}

static int answer(int r)
{
	return r < 0 ? -errno : 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

/* now | omit | SEC[.NSEC] */
static struct timespec time_of(const char *word)
{
	struct timespec t = {0};
	char *end;

	if (strcmp(word, "now") == 0) {
		t.tv_nsec = UTIME_NOW;
	} else if (strcmp(word, "omit") == 0) {
		t.tv_nsec = UTIME_OMIT;
	} else {
		t.tv_sec = strtoll(word, &end, 10);
		if (*end == '.')
			t.tv_nsec = strtol(end + 1, &end, 10);
		if (*end != '\0')
			usage_error("time", word);
	}
	return t;
}

/* ---- descriptors ---- */

static int run_open(int argc, char **argv)
{
	static const struct {
		const char *word;
		int flag;
	} flags[] = {
		{"r", O_RDONLY},
		{"w", O_WRONLY},
		{"rw", O_RDWR},
		{"append", O_APPEND},
		{"trunc", O_TRUNC},
		{"creat", O_CREAT},
		{"excl", O_EXCL},
		{"dir", O_DIRECTORY},
		{"nofollow", O_NOFOLLOW},
		{"sync", O_SYNC},
		{"path", O_PATH},
		{"noatime", O_NOATIME},
		{"tmpfile", O_TMPFILE},
		{"direct", O_DIRECT},
	};
	Slot *s = slot_of(argv[0]);
	char path[64] = "";
	int value = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (has_word(argv[2], flags[i].word))
			value |= flags[i].flag;
	if (strncmp(argv[1], "fd:", 3) == 0)
		snprintf(path, sizeof(path), "/proc/self/fd/%d", slot_of(argv[1] + 3)->fd);
	s->fd = open(*path ? path : argv[1], value, argc > 3 ? mode_of(argv[3]) : 0666);
	return answer(s->fd);
}

static int run_close(int argc, char **argv)
{
	(void)argc;
	return answer(close(slot_of(argv[0])->fd));
}

static int run_dup(int argc, char **argv)
{
	Slot *to = slot_of(argv[1]);

	(void)argc;
	to->fd = dup(slot_of(argv[0])->fd);
	return answer(to->fd);
}

static int run_read(int argc, char **argv)
{
	int fd = slot_of(argv[0])->fd;
	size_t size = (size_t)number_of(argv[2]);
	char *data = calloc(1, size + 1);
	ssize_t n = strcmp(argv[1], "-") == 0 ? read(fd, data, size)
					      : pread(fd, data, size, number_of(argv[1]));
	int r = answer((int)n);

	(void)argc;
	if (n > 0)
		result_append(data, (size_t)n);
	free(data);
	return r;
}

static int write_at(int fd, const char *offset, const char *data, size_t size)
{
	ssize_t n = strcmp(offset, "-") == 0 ? write(fd, data, size)
					     : pwrite(fd, data, size, number_of(offset));

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

static int run_write(int argc, char **argv)
{
	size_t size = unescape(argv[2]);

	(void)argc;
	return write_at(slot_of(argv[0])->fd, argv[1], argv[2], size);
}

/* In pieces, as a program with a buffer does. */
static int run_fill(int argc, char **argv)
{
	int fd = slot_of(argv[0])->fd;
	long long offset = number_of(argv[1]);
	long long size = number_of(argv[2]);
	long long piece = argc > 4 ? number_of(argv[4]) : 65536;
	char *data = malloc((size_t)piece);
	int r = 0;

	memset(data, argv[3][0], (size_t)piece);
	while (size > 0 && r == 0) {
		long long n = size < piece ? size : piece;
		ssize_t w = pwrite(fd, data, (size_t)n, offset);

		r = w < 0 ? -errno : 0;
		offset += w;
		size -= w;
	}
	free(data);
	return r;
}

static int run_ftruncate(int argc, char **argv)
{
	(void)argc;
	return answer(ftruncate(slot_of(argv[0])->fd, number_of(argv[1])));
}

static int run_fallocate(int argc, char **argv)
{
	int mode = 0;

	(void)argc;
	if (strcmp(argv[1], "keep") == 0)
		mode = FALLOC_FL_KEEP_SIZE;
	else if (strcmp(argv[1], "punch") == 0)
		mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	else if (strcmp(argv[1], "zero") == 0)
		mode = FALLOC_FL_ZERO_RANGE;
	else if (strcmp(argv[1], "grow") != 0)
		usage_error("mode", argv[1]);
	return answer(
		fallocate(slot_of(argv[0])->fd, mode, number_of(argv[2]), number_of(argv[3])));
}

static int run_fsync(int argc, char **argv)
{
	(void)argc;
	return answer(fsync(slot_of(argv[0])->fd));
}

static int run_fdatasync(int argc, char **argv)
{
	(void)argc;
	return answer(fdatasync(slot_of(argv[0])->fd));
}

static int run_fchmod(int argc, char **argv)
{
	(void)argc;
	return answer(fchmod(slot_of(argv[0])->fd, mode_of(argv[1])));
}

static int run_ftimes(int argc, char **argv)
{
	int fd = slot_of(argv[0])->fd;

	if (argc < 3)
		return answer(futimens(fd, NULL));

	struct timespec t[2] = {time_of(argv[1]), time_of(argv[2])};

	return answer(futimens(fd, t));
}

static void result_stat(const struct stat *st)
{
	snprintf(result, sizeof(result),
		"ino=%ju size=%jd mtime=%jd.%09ld ctime=%jd.%09ld mode=%o uid=%u gid=%u nlink=%ju",
		(uintmax_t)st->st_ino, (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
		st->st_mode & 07777, st->st_uid, st->st_gid, (uintmax_t)st->st_nlink);
}

static int run_fstat(int argc, char **argv)
{
	struct stat st;

	(void)argc;
	if (fstat(slot_of(argv[0])->fd, &st) < 0)
		return -errno;
	result_stat(&st);
	return 0;
}

/* A timer that keeps firing until the call has returned, so that a signal cannot come too early. */
static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupt_every(long usec)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct itimerval timer = {{0, usec}, {0, usec}};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int run_flock(int argc, char **argv)
{
	int op = 0;
	int r;

	op |= strcmp(argv[1], "sh") == 0 ? LOCK_SH : 0;
	op |= strcmp(argv[1], "ex") == 0 ? LOCK_EX : 0;
	op |= strcmp(argv[1], "un") == 0 ? LOCK_UN : 0;
	if (op == 0)
		usage_error("lock", argv[1]);
	if (argc > 2 && strcmp(argv[2], "nb") == 0)
		op |= LOCK_NB;
	if (argc > 2 && strcmp(argv[2], "intr") == 0)
		interrupt_every(50000);
	r = answer(flock(slot_of(argv[0])->fd, op));
	interrupt_every(0);
	return r;
}

/* fcntl(2): a lock on LENGTH bytes, 0 for all that follow. */
static struct flock range_of(char **argv)
{
	struct flock lock = {.l_whence = SEEK_SET};

	if (strcmp(argv[1], "rd") == 0)
		lock.l_type = F_RDLCK;
	else if (strcmp(argv[1], "wr") == 0)
		lock.l_type = F_WRLCK;
	else if (strcmp(argv[1], "un") == 0)
		lock.l_type = F_UNLCK;
	else
		usage_error("lock", argv[1]);
	lock.l_start = number_of(argv[2]);
	lock.l_len = number_of(argv[3]);
	return lock;
}

static int run_lock(int argc, char **argv)
{
	const char *how = argc > 4 ? argv[4] : "";
	bool waits = has_word(how, "wait") || has_word(how, "intr");
	bool ofd = has_word(how, "ofd");
	struct flock lock = range_of(argv);
	int r;

	if (has_word(how, "intr"))
		interrupt_every(50000);
	r = answer(fcntl(slot_of(argv[0])->fd,
		ofd ? (waits ? F_OFD_SETLKW : F_OFD_SETLK) : (waits ? F_SETLKW : F_SETLK), &lock));
	interrupt_every(0);
	return r;
}

/* What is in the way of a lock. */
static int run_getlock(int argc, char **argv)
{
	bool ofd = argc > 4 && has_word(argv[4], "ofd");
	struct flock lock = range_of(argv);

	if (fcntl(slot_of(argv[0])->fd, ofd ? F_OFD_GETLK : F_GETLK, &lock) < 0)
		return -errno;
	if (lock.l_type == F_UNLCK)
		snprintf(result, sizeof(result), "free");
	else
		snprintf(result, sizeof(result), "%s %jd %jd %d",
			lock.l_type == F_WRLCK ? "wr" : "rd", (intmax_t)lock.l_start,
			(intmax_t)lock.l_len, (int)lock.l_pid);
	return 0;
}

/* ---- mappings ---- */

static int run_mmap(int argc, char **argv)
{
	Slot *s = slot_of(argv[0]);
	const char *how = argc > 2 ? argv[2] : "rw";
	int prot = has_word(how, "rw") ? PROT_READ | PROT_WRITE : PROT_READ;
	int flags = has_word(how, "private") ? MAP_PRIVATE : MAP_SHARED;

	s->map_size = (size_t)number_of(argv[1]);
	s->map = mmap(NULL, s->map_size, prot, flags, s->fd, 0);
	return s->map == MAP_FAILED ? -errno : 0;
}

static int run_munmap(int argc, char **argv)
{
	Slot *s = slot_of(argv[0]);

	(void)argc;
	return answer(munmap(s->map, s->map_size));
}

static int run_msync(int argc, char **argv)
{
	Slot *s = slot_of(argv[0]);

	(void)argc;
	return answer(msync(s->map, s->map_size, MS_SYNC));
}

static int run_store(int argc, char **argv)
{
	size_t size = unescape(argv[2]);

	(void)argc;
	memcpy(slot_of(argv[0])->map + number_of(argv[1]), argv[2], size);
	return 0;
}

static int run_load(int argc, char **argv)
{
	(void)argc;
	result_append(slot_of(argv[0])->map + number_of(argv[1]), (size_t)number_of(argv[2]));
	return 0;
}

/* ---- paths ---- */

static int run_stat(int argc, char **argv)
{
	struct stat st;

	(void)argc;
	if (lstat(argv[0], &st) < 0)
		return -errno;
	result_stat(&st);
	return 0;
}

static int run_truncate(int argc, char **argv)
{
	(void)argc;
	return answer(truncate(argv[0], number_of(argv[1])));
}

static int run_times(int argc, char **argv)
{
	if (argc < 3)
		return answer(utimensat(AT_FDCWD, argv[0], NULL, 0));

	struct timespec t[2] = {time_of(argv[1]), time_of(argv[2])};
	int flags = argc > 3 && strcmp(argv[3], "nofollow") == 0 ? AT_SYMLINK_NOFOLLOW : 0;

	return answer(utimensat(AT_FDCWD, argv[0], t, flags));
}

static int run_chmod(int argc, char **argv)
{
	(void)argc;
	return answer(chmod(argv[0], mode_of(argv[1])));
}

static int run_chown(int argc, char **argv)
{
	(void)argc;
	return answer(lchown(argv[0], (uid_t)number_of(argv[1]), (gid_t)number_of(argv[2])));
}

static int run_mkdir(int argc, char **argv)
{
	return answer(mkdir(argv[0], argc > 1 ? mode_of(argv[1]) : 0777));
}

static int run_rmdir(int argc, char **argv)
{
	(void)argc;
	return answer(rmdir(argv[0]));
}

static int run_unlink(int argc, char **argv)
{
	(void)argc;
	return answer(unlink(argv[0]));
}

static int run_link(int argc, char **argv)
{
	(void)argc;
	return answer(link(argv[0], argv[1]));
}

/* A name for what is open, which may have none. */
static int run_linkat(int argc, char **argv)
{
	int fd = slot_of(argv[0])->fd;
	char path[64];

	if (argc > 2 && strcmp(argv[2], "empty") == 0)
		return answer(linkat(fd, "", AT_FDCWD, argv[1], AT_EMPTY_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return answer(linkat(AT_FDCWD, path, AT_FDCWD, argv[1], AT_SYMLINK_FOLLOW));
}

static int run_symlink(int argc, char **argv)
{
	(void)argc;
	return answer(symlink(argv[0], argv[1]));
}

static int run_readlink(int argc, char **argv)
{
	char target[4096];
	ssize_t n = readlink(argv[0], target, sizeof(target));

	(void)argc;
	if (n < 0)
		return -errno;
	result_append(target, (size_t)n);
	return 0;
}

static int run_mkfifo(int argc, char **argv)
{
	(void)argc;
	return answer(mkfifo(argv[0], 0666));
}

static int run_mknod(int argc, char **argv)
{
	mode_t type = strcmp(argv[1], "block") == 0    ? S_IFBLK
		      : strcmp(argv[1], "char") == 0   ? S_IFCHR
		      : strcmp(argv[1], "socket") == 0 ? S_IFSOCK
						       : S_IFREG;

	return answer(mknod(argv[0], type | 0666,
		argc > 3 ? makedev((unsigned)number_of(argv[2]), (unsigned)number_of(argv[3]))
			 : 0));
}

static int run_rename(int argc, char **argv)
{
	unsigned flags = 0;

	if (argc > 2 && strcmp(argv[2], "noreplace") == 0)
		flags = RENAME_NOREPLACE;
	else if (argc > 2 && strcmp(argv[2], "exchange") == 0)
		flags = RENAME_EXCHANGE;
	else if (argc > 2 && strcmp(argv[2], "whiteout") == 0)
		flags = RENAME_WHITEOUT;
	else if (argc > 2)
		usage_error("flag", argv[2]);
	return answer(renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], flags));
}

/* Exchanges two names again and again, until a third one is there. RESULT: how often. */
static int run_swap(int argc, char **argv)
{
	unsigned long n = 0;

	(void)argc;
	for (; access(argv[2], F_OK) < 0; n++)
		if (renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE) < 0)
			return -errno;
	snprintf(result, sizeof(result), "%lu", n);
	return 0;
}

static int run_setxattr(int argc, char **argv)
{
	int flags = 0;

	if (argc > 3)
		flags = strcmp(argv[3], "create") == 0 ? XATTR_CREATE : XATTR_REPLACE;
	return answer(lsetxattr(argv[0], argv[1], argv[2], strlen(argv[2]), flags));
}

static int run_getxattr(int argc, char **argv)
{
	char value[4096];
	ssize_t n =
		lgetxattr(argv[0], argv[1], value, argc > 2 ? (size_t)number_of(argv[2]) : 4096);

	if (n < 0)
		return -errno;
	result_append(value, (size_t)n);
	return 0;
}

static int run_removexattr(int argc, char **argv)
{
	(void)argc;
	return answer(lremovexattr(argv[0], argv[1]));
}

static int run_listxattr(int argc, char **argv)
{
	char names[4096];
	ssize_t n = llistxattr(argv[0], names, sizeof(names));

	(void)argc;
	if (n < 0)
		return -errno;
	result_append(names, (size_t)n);
	return 0;
}

/* Opens what the path leads to by its handle. */
static int run_byhandle(int argc, char **argv)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount_id, fd;

	(void)argc;
	if (name_to_handle_at(AT_FDCWD, argv[0], &h.handle, &mount_id, 0) < 0)
		return -errno;
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fd = open_by_handle_at(fd, &h.handle, O_RDWR);
	return answer(fd);
}

/* The flags of chattr(1). */
static int run_setflags(int argc, char **argv)
{
	int flags = (int)number_of(argv[1]);

	(void)argc;
	return answer(ioctl(slot_of(argv[0])->fd, FS_IOC_SETFLAGS, &flags));
}

/* One pass of getdents over a descriptor opened before: names as the directory has them, unsorted.
 */
static int run_list(int argc, char **argv)
{
	DIR *d = opendir(argv[0]);
	struct dirent *e;

	(void)argc;
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (*result)
			strncat(result, " ", sizeof(result) - strlen(result) - 1);
		result_append(e->d_name, strlen(e->d_name));
	}
	closedir(d);
	return 0;
}

/* From now on nothing of this file system reaches its disk, as in a power cut. The number is the
 * one that ext4 and xfs share. */
static int run_shutdown(int argc, char **argv)
{
	const uint32_t without_log = 2;
	int fd = open(argv[0], O_RDONLY | O_DIRECTORY), r;

	(void)argc;
	if (fd < 0)
		return -errno;
	r = answer(ioctl(fd, _IOR('X', 125, uint32_t), &without_log));
	close(fd);
	return r;
}

static int run_statvfs(int argc, char **argv)
{
	struct statvfs v;

	(void)argc;
	if (statvfs(argv[0], &v) < 0)
		return -errno;
	snprintf(result, sizeof(result), "bsize=%lu blocks=%ju files=%ju namemax=%lu", v.f_bsize,
		(uintmax_t)v.f_blocks, (uintmax_t)v.f_files, v.f_namemax);
	return 0;
}

/* ---- processes ---- */

static int run_cd(int argc, char **argv)
{
	(void)argc;
	return answer(chdir(argv[0]));
}

static int run_umask(int argc, char **argv)
{
	(void)argc;
	umask(mode_of(argv[0]));
	return 0;
}

static int run_getpid(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	snprintf(result, sizeof(result), "%d", (int)getpid());
	return 0;
}

/* A child shell: one more member of the family. RESULT is "STATUS OUTPUT". */
static int run_spawn(int argc, char **argv)
{
	char command[MAX_LINE] = "";
	char data[4096];
	size_t n;
	FILE *f;
	int status;

	for (int i = 0; i < argc; i++) {
		strncat(command, argv[i], sizeof(command) - strlen(command) - 2);
		strcat(command, " ");
	}
	f = popen(command, "r");
	if (!f)
		return -errno;
	n = fread(data, 1, sizeof(data), f);
	status = pclose(f);
	snprintf(result, sizeof(result), "%d ", WEXITSTATUS(status));
	result_append(data, n);
	return 0;
}

static int run_fork(int argc, char **argv)
{
	pid_t pid;

	(void)argc;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		snprintf(result, sizeof(result), "%d", (int)pid);
		return 0;
	}
	setsid();
	/* the script opens both ends first, so neither open waits */
	if (!freopen(argv[0], "r", stdin) || !freopen(argv[1], "w", stdout))
		_exit(3);
	setvbuf(stdin, NULL, _IONBF, 0);
	snprintf(result, sizeof(result), "%d", (int)getpid());
	return 0;
}

static int run_exit(int argc, char **argv)
{
	int status = argc > 0 ? (int)number_of(argv[0]) : 0;

	fflush(stdout);
	_exit(status);
}

static const Command commands[] = {
	{"open", 3, run_open, "SLOT PATH|fd:SLOT r|w|rw,append,trunc,creat,excl,... [MODE]"},
	{"close", 1, run_close, "SLOT"},
	{"dup", 2, run_dup, "SLOT NEWSLOT"},
	{"read", 3, run_read, "SLOT OFFSET|- SIZE"},
	{"write", 3, run_write, "SLOT OFFSET|- TEXT"},
	{"fill", 4, run_fill, "SLOT OFFSET SIZE CHAR [PIECE]"},
	{"ftruncate", 2, run_ftruncate, "SLOT SIZE"},
	{"fallocate", 4, run_fallocate, "SLOT grow|keep|punch|zero OFFSET SIZE"},
	{"setflags", 2, run_setflags, "SLOT FLAGS"},
	{"fsync", 1, run_fsync, "SLOT"},
	{"fdatasync", 1, run_fdatasync, "SLOT"},
	{"fchmod", 2, run_fchmod, "SLOT MODE"},
	{"ftimes", 1, run_ftimes, "SLOT [ATIME MTIME], each now|omit|SEC[.NSEC]"},
	{"fstat", 1, run_fstat, "SLOT"},
	{"flock", 2, run_flock, "SLOT sh|ex|un [nb|intr]"},
	{"lock", 4, run_lock, "SLOT rd|wr|un START LENGTH [wait,intr,ofd]"},
	{"getlock", 4, run_getlock, "SLOT rd|wr START LENGTH [ofd]"},
	{"mmap", 2, run_mmap, "SLOT SIZE [rw|r,private]"},
	{"munmap", 1, run_munmap, "SLOT"},
	{"msync", 1, run_msync, "SLOT"},
	{"store", 3, run_store, "SLOT OFFSET TEXT"},
	{"load", 3, run_load, "SLOT OFFSET SIZE"},
	{"stat", 1, run_stat, "PATH"},
	{"truncate", 2, run_truncate, "PATH SIZE"},
	{"times", 1, run_times, "PATH [ATIME MTIME [nofollow]]"},
	{"chmod", 2, run_chmod, "PATH MODE"},
	{"chown", 3, run_chown, "PATH UID GID"},
	{"mkdir", 1, run_mkdir, "PATH [MODE]"},
	{"rmdir", 1, run_rmdir, "PATH"},
	{"unlink", 1, run_unlink, "PATH"},
	{"link", 2, run_link, "OLD NEW"},
	{"linkat", 2, run_linkat, "SLOT NEW [empty]"},
	{"symlink", 2, run_symlink, "TARGET PATH"},
	{"readlink", 1, run_readlink, "PATH"},
	{"mkfifo", 1, run_mkfifo, "PATH"},
	{"mknod", 2, run_mknod, "PATH file|block|char|socket [MAJOR MINOR]"},
	{"rename", 2, run_rename, "OLD NEW [noreplace|exchange|whiteout]"},
	{"swap", 3, run_swap, "A B UNTIL"},
	{"setxattr", 3, run_setxattr, "PATH NAME VALUE [create|replace]"},
	{"getxattr", 2, run_getxattr, "PATH NAME [SIZE]"},
	{"removexattr", 2, run_removexattr, "PATH NAME"},
	{"listxattr", 1, run_listxattr, "PATH"},
	{"byhandle", 2, run_byhandle, "PATH MOUNT"},
	{"list", 1, run_list, "PATH"},
	{"shutdown", 1, run_shutdown, "DIRECTORY"},
	{"statvfs", 1, run_statvfs, "PATH"},
	{"cd", 1, run_cd, "PATH"},
	{"umask", 1, run_umask, "MASK"},
	{"getpid", 0, run_getpid, ""},
	{"spawn", 1, run_spawn, "SHELL COMMAND"},
	{"fork", 2, run_fork, "FIFO-IN FIFO-OUT"},
	{"exit", 0, run_exit, "[STATUS]"},
};

static int run_command(int argc, char **argv)
{
	result[0] = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[0]) != 0)
			continue;
		if (argc - 1 < commands[i].n_args)
			usage_error("number of arguments", argv[0]);
		return commands[i].run(argc - 1, argv + 1);
	}
	usage_error("command", argv[0]);
}

/* Standard input is read byte by byte, so that a fork takes no line of its parent's with it. */
static int steer(void)
{
	char line[MAX_LINE];

	setvbuf(stdin, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		char *argv[MAX_WORDS + 1];
		char *rest = line;
		int argc = 0;
		int r;

		line[strcspn(line, "\n")] = '\0';
		for (char *w = strsep(&rest, " "); w && argc < MAX_WORDS; w = strsep(&rest, " "))
			argv[argc++] = w;
		argv[argc] = NULL;
		r = run_command(argc, argv);
		if (r < 0)
			printf("err %s %s\n", argv[0], strerrorname_np(-r));
		else
			printf("ok %s\n", result);
		fflush(stdout);
	}
	return 0;
}

static int help(void)
{
	puts("usage: tool COMMAND ARGS [-- COMMAND ARGS]... | tool steer\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %s %s\n", commands[i].name, commands[i].args);
	return 2;
}

int main(int argc, char **argv)
{
	int first = 1;

	for (int i = 0; i < N_SLOTS; i++)
		slots[i].fd = -1;
	if (argc < 2)
		return help();
	if (strcmp(argv[1], "steer") == 0)
		return steer();
	while (first < argc) {
		int last = first;
		int r;

		while (last < argc && strcmp(argv[last], "--") != 0)
			last++;
		r = run_command(last - first, argv + first);
		if (r < 0) {
			puts(strerrorname_np(-r));
			return 1;
		}
		if (*result)
			puts(result);
		first = last + 1;
	}
	return 0;
}
