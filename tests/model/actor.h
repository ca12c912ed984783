/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Those who do it: real processes, each steered through a socket, for who asks is what half of the
 * promises are about. They know nothing of the model.
 *
 *     model ─┬─ D ─┬─ A ── A2
 *            │     └─ B
 *            └─ O ── O2
 *
 * model is above them all and so everyone's family: it looks past the mount only. Every process has
 * the sockets of those below it, so that a step can begin anew. All of them end when model closes
 * its ends. */

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

#define DRIVER_NAME "modeldriver"

enum { ANSWER_TIMEOUT = 60 };

typedef struct Answer Answer;
typedef struct Actor Actor;
typedef struct Cast Cast;

/* What an operation has told its doer. */
struct Answer {
	int error; /* 0 or an errno */
	uint32_t type, mode;
	int64_t size, mtime;
	uint64_t hash;  /* of bytes that were read */
	uint32_t names; /* bits: which of paths[] were listed */
	int n_links;
	int n_strange; /* names listed that are none of them, or are there twice */
};

struct Actor {
	int index;
	char dir[300];
	pid_t child[N_ACTORS];
	const int *sockets; /* everybody's ends */
	struct {
		int fd;
		char *map;
		size_t map_size;
	} slots[N_SLOTS];
};

struct Cast {
	int ours[N_ACTORS], theirs[N_ACTORS];
	pid_t pids[N_ACTORS]; /* of those that nobody else has started */
};

static uint64_t bytes_hash(const char *data, size_t size)
{
	uint64_t hash = 14695981039346656037ULL ^ size;

	for (; size >= 8; data += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		hash = (hash ^ word) * 1099511628211ULL;
		hash ^= hash >> 32;
	}
	for (; size > 0; data++, size--)
		hash = (hash ^ (uint8_t)*data) * 1099511628211ULL;
	return hash ^ hash >> 29;
}

static int64_t time_ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static void times_of(int when, struct timespec times[static 2])
{
	times[0] = (struct timespec){.tv_nsec = when == WHEN_NOW ? UTIME_NOW : UTIME_OMIT};
	times[1] = times[0];
	/* The atime alone, which nobody promises anything of. */
	if (when == WHEN_OMIT)
		times[0] = (struct timespec){.tv_sec = 12345};
	if (when > WHEN_OMIT)
		times[0] = times[1] = (struct timespec){.tv_sec = when_ns(when) / 1000000000,
			.tv_nsec = when_ns(when) % 1000000000};
}

static const char *actor_path(const Actor *actor, int path, char *buffer, size_t size)
{
	if (path == ROOT)
		return actor->dir;
	snprintf(buffer, size, "%s/%s", actor->dir, paths[path].name);
	return buffer;
}

static int answer_stat(Answer *answer, const struct stat *st)
{
	answer->type = st->st_mode & S_IFMT;
	answer->mode = st->st_mode & 07777;
	answer->size = st->st_size;
	answer->n_links = (int)st->st_nlink;
	answer->mtime = time_ns(&st->st_mtim);
	return 0;
}

/* All bytes of a file. */
static int answer_bytes(Answer *answer, int fd)
{
	static char buffer[SIZE_MAX_FILE + 4096];
	size_t n = 0;
	ssize_t r;

	do
		r = pread(fd, buffer + n, sizeof(buffer) - n, (off_t)n);
	while (r > 0 && (n += (size_t)r) < sizeof(buffer));
	answer->size = (int64_t)n;
	answer->hash = bytes_hash(buffer, n);
	return r < 0 ? -1 : 0;
}

static int answer_list(Answer *answer, const char *path, int dir)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return -1;
	while ((errno = 0, e = readdir(d))) {
		int found = ROOT;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		for (int i = 0; i < N_PATHS; i++) {
			const char *slash = strrchr(paths[i].name, '/');

			if (paths[i].parent == dir &&
				strcmp(slash ? slash + 1 : paths[i].name, e->d_name) == 0)
				found = i;
		}
		if (found == ROOT || (answer->names & 1u << found))
			answer->n_strange++;
		else
			answer->names |= 1u << found;
	}
	closedir(d);
	return errno ? -1 : 0;
}

static int actor_cat(const char *path, Answer *answer)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -1;
	r = fstat(fd, &st);
	if (r == 0)
		r = answer_stat(answer, &st);
	if (r == 0)
		r = answer_bytes(answer, fd);
	close(fd);
	return r;
}

static int actor_write(Actor *actor, const Op *op)
{
	static char buffer[SIZE_MAX_FILE];
	int fd = actor->slots[op->slot].fd, flags = fcntl(fd, F_GETFL);
	ssize_t n;

	text_fill(buffer, op->text, op->from, op->length);
	if (flags & O_APPEND)
		n = write(fd, buffer, (size_t)op->length);
	else
		n = pwrite(fd, buffer, (size_t)op->length, op->at);
	if (n >= 0 && n != op->length)
		errno = EIO;
	return n == op->length ? 0 : -1;
}

static int actor_map(Actor *actor, const Op *op)
{
	int fd = actor->slots[op->slot].fd;
	struct stat st;
	char *map;

	if (fstat(fd, &st) < 0)
		return -1;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	actor->slots[op->slot].map = map;
	actor->slots[op->slot].map_size = (size_t)st.st_size;
	return 0;
}

static int actor_unmap(Actor *actor, const Op *op)
{
	int r = munmap(actor->slots[op->slot].map, actor->slots[op->slot].map_size);

	actor->slots[op->slot].map = NULL;
	return r;
}

static int actor_by_handle(Actor *actor, const Op *op, Answer *answer)
{
	int *fd = &actor->slots[op->slot].fd, r;
	struct timespec times[2];
	struct stat st;

	switch (op->kind) {
	case OP_CLOSE:
		r = close(*fd);
		*fd = -1;
		return r;
	case OP_READ:
		return answer_bytes(answer, *fd);
	case OP_WRITE:
		return actor_write(actor, op);
	case OP_FTRUNCATE:
		return ftruncate(*fd, op->at);
	case OP_MAP:
		return actor_map(actor, op);
	case OP_STORE:
		text_fill(actor->slots[op->slot].map + op->at, op->text, op->from, op->length);
		return 0;
	case OP_UNMAP:
		return actor_unmap(actor, op);
	case OP_FSTAT:
		return fstat(*fd, &st) < 0 ? -1 : answer_stat(answer, &st);
	case OP_FUTIMENS:
		times_of(op->flags, times);
		return futimens(*fd, times);
	default:
		return fsync(*fd);
	}
}

static int actor_by_name(Actor *actor, const Op *op, Answer *answer)
{
	static const unsigned rename_flags[] = {0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	char buffer[320], other[320], target[64];
	const char *path = actor_path(actor, op->path, buffer, sizeof(buffer));
	struct timespec times[2];
	struct stat st;
	ssize_t n;

	switch (op->kind) {
	case OP_STAT:
		return lstat(path, &st) < 0 ? -1 : answer_stat(answer, &st);
	case OP_CAT:
		return actor_cat(path, answer);
	case OP_LIST:
		return answer_list(answer, path, op->path);
	case OP_READLINK:
		n = readlink(path, target, sizeof(target));
		answer->size = n;
		answer->hash = n < 0 ? 0 : bytes_hash(target, (size_t)n);
		return n < 0 ? -1 : 0;
	case OP_TRUNCATE:
		return truncate(path, op->at);
	case OP_UTIMENS:
		times_of(op->flags, times);
		return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
	case OP_CHMOD:
		return chmod(path, (mode_t)op->flags);
	case OP_UNLINK:
		return unlink(path);
	case OP_MKDIR:
		return mkdir(path, 0777);
	case OP_RMDIR:
		return rmdir(path);
	case OP_RENAME:
		return renameat2(AT_FDCWD, path, AT_FDCWD,
			actor_path(actor, op->other, other, sizeof(other)),
			rename_flags[op->flags]);
	case OP_LINK:
		return link(path, actor_path(actor, op->other, other, sizeof(other)));
	default:
		snprintf(target, sizeof(target), "to-%d", op->text);
		return symlink(target, path);
	}
}

static void actor_run(Actor *actor, int index) __attribute__((noreturn));

/* A child that is an actor of its own, with no handles. */
static void actor_fork(Actor *actor, int index)
{
	actor->child[index] = fork();
	if (actor->child[index] != 0)
		return;
	for (int i = 0; i < N_SLOTS; i++) {
		if (actor->slots[i].fd >= 0)
			close(actor->slots[i].fd);
		actor->slots[i].fd = -1;
		if (actor->slots[i].map)
			munmap(actor->slots[i].map, actor->slots[i].map_size);
		actor->slots[i].map = NULL;
	}
	actor_run(actor, index);
}

static void actor_fork_all(Actor *actor)
{
	for (int i = 0; i < N_ACTORS; i++) {
		actor->child[i] = 0;
		if (actor_parents[i] == actor->index)
			actor_fork(actor, i);
	}
}

/* Ends with all its children: their handles are closed when this returns. */
static void actor_exit(const Actor *actor) __attribute__((noreturn));

static void actor_exit(const Actor *actor)
{
	for (int i = 0; i < N_ACTORS; i++)
		if (actor->child[i] > 0 && kill(actor->child[i], SIGKILL) == 0)
			waitpid(actor->child[i], NULL, 0);
	_exit(0);
}

static void actor_do(Actor *actor, const Op *op, Answer *answer)
{
	char path[320];
	int r;

	*answer = (Answer){};
	errno = 0;
	if (op->kind == OP_OPEN) {
		r = open(actor_path(actor, op->path, path, sizeof(path)),
			op->flags | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (r >= 0)
			actor->slots[op->slot].fd = r;
	} else if (op->kind == OP_RESTART) {
		/* The step has been told to end. */
		r = waitpid(actor->child[op->path], NULL, 0);
		actor_fork(actor, op->path);
	} else if (op_forms[op->kind].args[0] == 's') {
		r = actor_by_handle(actor, op, answer);
	} else {
		r = actor_by_name(actor, op, answer);
	}
	answer->error = r < 0 ? errno : 0;
}

static void actor_run(Actor *actor, int index)
{
	int fd = actor->sockets[index];
	Answer answer;
	Op op;

	actor->index = index;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, index == DRIVER ? DRIVER_NAME : "modelactor");
	actor_fork_all(actor);
	while (recv(fd, &op, sizeof(op), 0) == (ssize_t)sizeof(op)) {
		if (op.kind == N_OPS)
			break;
		actor_do(actor, &op, &answer);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	actor_exit(actor);
}

/* Everybody, working in this directory. Returns false if there are no processes to be had. */
static bool cast_begin(Cast *cast, const char *dir)
{
	static Actor actor;
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	int pair[2];

	*cast = (Cast){};
	for (int i = 0; i < N_ACTORS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return false;
		cast->ours[i] = pair[0];
		cast->theirs[i] = pair[1];
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	}
	for (int i = 0; i < N_ACTORS; i++) {
		if (actor_parents[i] != NOBODY)
			continue;
		cast->pids[i] = fork();
		if (cast->pids[i] < 0)
			return false;
		if (cast->pids[i] > 0)
			continue;
		for (int j = 0; j < N_ACTORS; j++)
			close(cast->ours[j]);
		actor = (Actor){.sockets = cast->theirs};
		snprintf(actor.dir, sizeof(actor.dir), "%s", dir);
		for (int j = 0; j < N_SLOTS; j++)
			actor.slots[j].fd = -1;
		actor_run(&actor, i);
	}
	for (int i = 0; i < N_ACTORS; i++)
		close(cast->theirs[i]);
	return true;
}

/* They all end, and have closed what they had open. Who hangs is killed, and not waited for. */
static void cast_end(Cast *cast)
{
	for (int i = 0; i < N_ACTORS; i++)
		close(cast->ours[i]);
	for (int i = 0; i < N_ACTORS; i++) {
		for (int ms = 0; cast->pids[i] > 0 && waitpid(cast->pids[i], NULL, WNOHANG) == 0;
			ms++) {
			if (ms == 2000)
				kill(cast->pids[i], SIGKILL);
			if (ms == 4000)
				break;
			poll(NULL, 0, 1);
		}
		cast->pids[i] = 0;
	}
}

/* Has it done. False if there is no answer: ret_answer->error says why. */
static bool cast_do(Cast *cast, const Op *op, Answer *ret_answer)
{
	Op told = *op, end = {.kind = N_OPS};
	int fd = cast->ours[op->actor];

	*ret_answer = (Answer){};
	if (op->kind == OP_RESTART) {
		told.path = op->actor;
		fd = cast->ours[actor_parents[op->actor]];
		if (send(cast->ours[op->actor], &end, sizeof(end), MSG_NOSIGNAL) < 0)
			return false;
	}
	return send(fd, &told, sizeof(told), MSG_NOSIGNAL) == (ssize_t)sizeof(told) &&
	       recv(fd, ret_answer, sizeof(*ret_answer), 0) == (ssize_t)sizeof(*ret_answer);
}
