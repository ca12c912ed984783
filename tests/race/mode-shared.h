/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cases in which several processes have the same file open for writing. */

#include <sys/file.h>

#include "look.h"

/* ---- append: nobody's record is lost ---- */

typedef struct Record Record;
struct Record {
	uint64_t magic, batch, writer, seq, spare[3], check;
};

enum { APPENDS_PER_BATCH = 16, MAX_RECORDS = 2 * APPENDS_PER_BATCH * MAX_PROCS };

static Record record_new(uint64_t batch, int writer, uint64_t seq)
{
	Record r = {CONTENT_MAGIC, batch, (uint64_t)writer, seq, {0}, 0};

	r.check = content_mix(batch ^ content_mix((uint64_t)writer ^ content_mix(seq)));
	return r;
}

/* Reads the file of the batch: whole records only, each writer's in order. *ret_n[writer] is how
 * many there are of each. */
static bool records_count(Proc *p, const char *path, uint64_t batch, uint64_t *ret_n)
{
	Record want, *is = (Record *)p->in;
	ssize_t size;
	int fd;

	_Static_assert(sizeof(Record) == 64, "a record must not cross a page");
	_Static_assert(sizeof(Record) * MAX_RECORDS <= CONTENT_MAX * 2, "a batch must fit");
	memset(ret_n, 0, sizeof(*ret_n) * MAX_PROCS);
	doing(p, "reading records", 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(p, "open for reading: %s", strerror(errno));
	size = read_all(p, fd);
	close(fd);
	if (size < 0 || size % (ssize_t)sizeof(*is) != 0)
		return fail(p, "a reader found %zd bytes, no whole records", size);
	for (ssize_t i = 0; i < size / (ssize_t)sizeof(*is); i++) {
		if (is[i].writer >= (uint64_t)p->crew->n_procs)
			return fail(p, "record %zd is torn%s", i, is[i].magic ? "" : " (zeros)");
		want = record_new(batch, (int)is[i].writer, ret_n[is[i].writer]++);
		if (memcmp(&is[i], &want, sizeof(want)) != 0)
			return fail(p,
				"record %zd of %zd: number %llu of writer %llu, expected number "
				"%llu",
				i, size / (ssize_t)sizeof(*is), (unsigned long long)is[i].seq,
				(unsigned long long)is[i].writer, (unsigned long long)want.seq);
	}
	return true;
}

static bool append_some(Proc *p, const char *path, uint64_t batch, uint64_t *n_own)
{
	Record records[2];
	uint64_t n[MAX_PROCS];
	size_t n_records = 1 + pick(p, 2);
	int fd;

	doing(p, "opening for appending", 0);
	fd = open(path, (pick(p, 4) ? O_WRONLY : O_RDWR) | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(p, "open for appending: %s", strerror(errno));
	for (size_t i = 0; i < n_records; i++)
		records[i] = record_new(batch, p->index, (*n_own)++);
	doing(p, "appending", 0);
	if (pick(p, 2)) {
		if (write(fd, records, n_records * sizeof(Record)) !=
			(ssize_t)(n_records * sizeof(Record)))
			fail(p, "append: %s", strerror(errno));
	} else {
		for (size_t i = 0; i < n_records; i++)
			if (write(fd, &records[i], sizeof(Record)) != sizeof(Record))
				fail(p, "append: %s", strerror(errno));
	}
	if (close(fd) < 0)
		return fail(p, "close: %s", strerror(errno));
	/* Whether the session goes on, as others have it open, or not: one's own is there. */
	if (pick(p, 4) > 0)
		return true;
	if (!records_count(p, path, batch, n))
		return false;
	return n[p->index] == *n_own ||
	       fail(p, "own records after the close: %llu of %llu", (unsigned long long)n[p->index],
		       (unsigned long long)*n_own);
}

static void run_append(Proc *p)
{
	Crew *crew = p->crew;
	uint64_t n[MAX_PROCS], n_own, batch;
	char path[PATH_SIZE];

	for (batch = 0; !atomic_load(&crew->leave); batch++) {
		n_own = 0;
		snprintf(path, sizeof(path), "%s/batch%llu", crew->dir, (unsigned long long)batch);
		/* every other file exists before */
		if (p->index == 0 && batch % 2 == 0 && mknod(path, S_IFREG | 0644, 0) < 0)
			fail(p, "mknod: %s", strerror(errno));
		pthread_barrier_wait(&crew->barrier);
		for (int i = 0; i < APPENDS_PER_BATCH; i++) {
			p->round = atomic_fetch_add(&crew->n_given, 1);
			append_some(p, path, batch, &n_own);
		}
		/* published by hand: the barrier orders it */
		atomic_store(&crew->names[0].done_by[p->index], n_own);
		doing(p, "waiting for the others", 0);
		pthread_barrier_wait(&crew->barrier);
		if (batch % (uint64_t)crew->n_procs == (uint64_t)p->index &&
			records_count(p, path, batch, n)) {
			for (int i = 0; i < crew->n_procs; i++)
				if (n[i] != atomic_load(&crew->names[0].done_by[i]))
					fail(p, "%llu of %llu records of writer %d are there",
						(unsigned long long)n[i],
						(unsigned long long)atomic_load(
							&crew->names[0].done_by[i]),
						i);
			unlink(path);
		}
		if (p->index == 0)
			atomic_store(&crew->leave,
				lost(p) || atomic_load(&crew->n_given) >= crew->n_rounds);
		pthread_barrier_wait(&crew->barrier);
	}
}

/* ---- opens and swaps: no ESTALE, or anything else, where the names are always there ---- */

enum { THREADS_PER_PROC = 3 };

static int opens_write(Proc *p, const char *path)
{
	static const int flags[] = {O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC,
		O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_TRUNC};
	char bytes[64];
	int r = 0, fd = open(path, flags[pick(p, 6)] | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	memset(bytes, 'a' + (int)pick(p, 4), sizeof(bytes));
	if (pick(p, 2) && write(fd, bytes, 1 + pick(p, sizeof(bytes))) < 0)
		r = -errno;
	return close(fd) < 0 ? -errno : r;
}

static int opens_read(Proc *p, const char *path)
{
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	size = read_all(p, fd);
	close(fd);
	return size < 0 ? (int)size : 0;
}

static int opens_replace(Proc *p, int thread, const char *path)
{
	char tmp[PATH_SIZE + 16], own[PATH_SIZE];
	int fd;

	own_path_of(p, "tmp", own);
	snprintf(tmp, sizeof(tmp), "%s.%d", own, thread);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, tmp, 20) < 0 || close(fd) < 0 || rename(tmp, path) < 0)
		return -errno;
	return 0;
}

static void opens_round(Proc *p, int thread, bool swap)
{
	static const char *const what[] = {"open, write, close", "open for reading", "truncate",
		"utimensat", "stat", "chmod", "rename over", "access"};
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
	int n = (int)pick(p, (unsigned)p->crew->n_names), kind, r;
	char path[PATH_SIZE];
	struct stat st;

	path_of(p, n, path);
	kind = (int[]){0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 6}[pick(p, swap ? 16 : 15)];
	doing(p, what[kind], n);
	switch (kind) {
	case 0:
		r = opens_write(p, path);
		break;
	case 1:
		r = opens_read(p, path);
		break;
	case 2:
		r = truncate(path, pick(p, 200)) < 0 ? -errno : 0;
		break;
	case 3:
		r = utimensat(AT_FDCWD, path, pick(p, 2) ? times : NULL, 0) < 0 ? -errno : 0;
		break;
	case 4:
		r = stat(path, &st) < 0 ? -errno : 0;
		break;
	case 5:
		r = chmod(path, pick(p, 2) ? 0644 : 0755) < 0 ? -errno : 0;
		break;
	case 6:
		r = opens_replace(p, thread, path);
		break;
	default:
		r = access(path, R_OK | W_OK) < 0 ? -errno : 0;
	}
	if (r < 0)
		fail(p, "n%d: %s: %s", n, what[kind], strerror(-r));
}

static void *opens_thread(void *data)
{
	Proc *p = data;
	bool swap = strcmp(p->crew->mode->name, "swaps") == 0;
	int thread = (int)p->round;

	while (next_round(p))
		opens_round(p, thread, swap);
	return NULL;
}

static void run_opens(Proc *p)
{
	pthread_t threads[THREADS_PER_PROC];
	Proc *procs = calloc(THREADS_PER_PROC, sizeof(*procs));

	if (!procs)
		abort();
	for (int i = 0; i < THREADS_PER_PROC; i++) {
		proc_begin(&procs[i], p->crew, p->index);
		procs[i].random = content_mix(p->random + (uint64_t)i);
		procs[i].round = (uint64_t)i; /* its number, to begin with */
		if (pthread_create(&threads[i], NULL, opens_thread, &procs[i]) != 0)
			abort();
	}
	for (int i = 0; i < THREADS_PER_PROC; i++)
		pthread_join(threads[i], NULL);
	free(procs);
}

static void conclude_readable(Proc *p)
{
	char path[PATH_SIZE];
	int r;

	for (int n = 0; n < p->crew->n_names; n++) {
		path_of(p, n, path);
		r = opens_read(p, path);
		if (r < 0)
			fail(p, "n%d, at the end: %s", n, strerror(-r));
	}
}

/* ---- flock: readers and writers of one name exclude each other ---- */

static bool flock_rewrite(Proc *p, int n, const char *path, int lock_fd)
{
	Name *name = &p->crew->names[n];
	Content is = content_next(p, &name->content);
	bool through_lock = lock_fd >= 0;
	int r, fd = through_lock ? lock_fd : open(path, O_WRONLY | O_CLOEXEC);

	doing(p, "writing under flock", n);
	if (fd < 0)
		return fail(p, "n%d: open for writing: %s", n, strerror(errno));
	content_fill(&is, p->out);
	r = write_at(fd, p->out, is.size, 0);
	if (r == 0 && ftruncate(fd, (off_t)is.size) < 0)
		r = -errno;
	if (!through_lock && close(fd) < 0)
		r = -errno;
	name->content = is;
	return r == 0 || fail(p, "n%d: write: %s", n, strerror(-r));
}

static bool flock_look(Proc *p, int n, const char *path)
{
	Content found;
	Seen seen;

	return look(p, n, path, &seen, &found, NULL) &&
	       expect_content(p, n, "under flock", &p->crew->names[n].content, &found);
}

static bool flock_read(Proc *p, int n, const char *path)
{
	Content found;

	return read_whole(p, n, path, "a reader under flock", &found);
}

/* For the even names the lock is taken on a descriptor for reading, perhaps of an older version,
 * and the writing is done and closed under it: whoever has the lock finds by path what was written
 * last. For the odd ones it is taken on the descriptor that is written: then the session goes on
 * while others wait with theirs, so what they find is one whole version, but which one is not said.
 */
static bool flock_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names), fd, r;
	bool exclusive = pick(p, 2), through_lock = exclusive && n % 2, ok = true;
	Name *name = &p->crew->names[n];
	char path[PATH_SIZE];

	path_of(p, n, path);
	doing(p, "opening for flock", n);
	fd = open(path, (through_lock ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return fail(p, "n%d: open: %s", n, strerror(errno));
	doing(p, "flock", n);
	r = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (pick(p, 4) ? 0 : LOCK_NB));
	if (r < 0) {
		r = errno;
		close(fd);
		return r == EWOULDBLOCK || fail(p, "n%d: flock: %s", n, strerror(r));
	}
	r = atomic_fetch_add(exclusive ? &name->n_exclusive : &name->n_shared, 1);
	if ((exclusive && r > 0) ||
		atomic_load(exclusive ? &name->n_shared : &name->n_exclusive) > 0)
		ok = fail(p, "n%d: %s lock with another process inside", n,
			exclusive ? "exclusive" : "shared");
	if (ok)
		ok = n % 2 ? flock_read(p, n, path) : flock_look(p, n, path);
	if (ok && exclusive && pick(p, 2))
		ok = flock_rewrite(p, n, path, through_lock ? fd : -1);
	atomic_fetch_sub(exclusive ? &name->n_exclusive : &name->n_shared, 1);
	doing(p, "unlocking", n);
	if (pick(p, 2) && flock(fd, LOCK_UN) < 0)
		ok = fail(p, "n%d: unlock: %s", n, strerror(errno));
	close(fd);
	return ok;
}

static void run_flock(Proc *p)
{
	while (next_round(p))
		flock_round(p);
}

/* ---- outlived: descriptors outlive their openers, while names of the directory expire ---- */

/* A look from outside at such a file waits for what the kernel has not written yet, and holds the
 * lock of the directory meanwhile; a second name for any file in it makes the daemon expire the
 * first one, which takes that lock. Neither may wait for the other. */
static bool outlived_write(Proc *p, int n, const char *path)
{
	LOCKED_NAME name = name_lock(p, n);
	Content was = name->content, is = content_next(p, &name->content);
	Write w = {.p = p, .path = path, .name = n, .way = WAY_OUTLIVED, .was = &was, .is = &is};

	if (!session_write(&w))
		return false;
	name->content = is;
	/* others look meanwhile */
	for (int i = 0; i < 10; i++)
		sched_yield();
	return session_outlived_end(&w) == 0 || fail(p, "n%d: the heir: %s", n, strerror(errno));
}

static bool outlived_read(Proc *p, int n, const char *path)
{
	Content found;

	return read_whole(p, n, path, "a look from outside", &found);
}

static bool outlived_link(Proc *p)
{
	char path[PATH_SIZE], second[PATH_SIZE];
	struct stat st;

	own_path_of(p, "linked", path);
	own_path_of(p, "second", second);
	doing(p, "linking", -1);
	if (stat(path, &st) < 0 || link(path, second) < 0 || stat(path, &st) < 0)
		return fail(p, "link: %s", strerror(errno));
	return unlink(second) == 0 || fail(p, "unlink: %s", strerror(errno));
}

static void run_outlived(Proc *p)
{
	char path[PATH_SIZE];
	int n;

	own_path_of(p, "linked", path);
	if (mknod(path, S_IFREG | 0644, 0) < 0)
		fail(p, "mknod: %s", strerror(errno));
	while (next_round(p)) {
		n = (int)pick(p, (unsigned)p->crew->n_names);
		path_of(p, n, path);
		switch (pick(p, 4)) {
		case 0:
			outlived_write(p, n, path);
			break;
		case 1:
			outlived_link(p);
			break;
		default:
			outlived_read(p, n, path);
		}
	}
}
