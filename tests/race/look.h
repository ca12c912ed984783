/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looking at the files of a case, alone and through a partner, and judging what is found. */

#include <dirent.h>
#include <limits.h>

#include "session.h"

/* ---- names and contents ---- */

static void path_of(const Proc *p, int n, char *ret_path)
{
	snprintf(ret_path, PATH_SIZE, "%s/n%d", p->crew->dir, n);
}

/* A name that only this process uses. */
static void own_path_of(const Proc *p, const char *what, char *ret_path)
{
	snprintf(ret_path, PATH_SIZE, "%s/%s.%d", p->crew->dir, what, p->index);
}

/* The same file in the backing. */
static void below_path_of(const Proc *p, const char *path, char *ret_path)
{
	snprintf(ret_path, PATH_SIZE, "%s%s", p->crew->below, path + strlen(p->crew->dir));
}

static uint64_t pick_size(Proc *p)
{
	switch (pick(p, 8)) {
	case 0:
		return CONTENT_MIN + pick(p, CONTENT_MAX - CONTENT_MIN);
	case 1:
	case 2:
		return 4096 - 8 + pick(p, 17);
	case 3:
		return 8192 - 4 + pick(p, 9);
	case 4:
		return CONTENT_MIN + pick(p, 20000);
	default:
		return CONTENT_MIN + pick(p, 400);
	}
}

static Content content_new(Proc *p, int n, uint64_t gen)
{
	Content c = {.name = (uint32_t)n, .writer = (uint32_t)p->index, .gen = gen};

	c.pattern = draw(p);
	c.size = pick_size(p);
	content_seal(&c);
	return c;
}

/* What comes after was: half the time the same again. */
static Content content_next(Proc *p, const Content *was)
{
	Content c = content_new(p, (int)was->name, was->gen + 1);

	switch (pick(p, 8)) {
	case 0:
	case 1:
		return c;
	case 2: /* the same bytes to begin with */
		c.pattern = was->pattern;
		break;
	case 3: /* the same but for its ends */
		c.pattern = was->pattern;
		c.size = was->size;
		break;
	default:
		return *was;
	}
	content_seal(&c);
	return c;
}

/* ---- looking ---- */

static bool stat_path(Proc *p, int n, const char *path, Seen *ret_seen)
{
	struct stat st;

	doing(p, "stat", n);
	if (stat(path, &st) < 0)
		return fail(p, "n%d: stat: %s", n, strerror(errno));
	*ret_seen = seen_from(&st);
	return true;
}

/* Reads all there is into p->in, in pieces of some size. Returns the number of bytes or -errno. */
static ssize_t read_all(Proc *p, int fd)
{
	size_t piece = (size_t[]){CONTENT_MAX, 4096, 1000, 65536, 30000}[pick(p, 5)], done = 0, now;
	ssize_t r;

	for (;;) {
		now = sizeof(p->in) - done < piece ? sizeof(p->in) - done : piece;
		if (now == 0)
			return -EFBIG;
		r = read(fd, p->in + done, now);
		if (r <= 0)
			return r < 0 ? -errno : (ssize_t)done;
		done += (size_t)r;
	}
}

/* Judges what is in p->in: a whole content, of name n unless n is negative. */
static bool judge_whole(Proc *p, int n, const char *who, size_t size, Content *ret_content)
{
	char why[256];

	switch (content_judge(p->in, size, p->scratch, ret_content, why, sizeof(why))) {
	case CONTENT_WHOLE:
		if (n < 0 || ret_content->name == (uint32_t)n)
			return true;
		return fail(p, "n%d: %s found what was written for n%u", n, who, ret_content->name);
	case CONTENT_PART:
		return fail(p, "n%d: %s found the first %zu of %llu bytes of generation %llu", n,
			who, size, (unsigned long long)ret_content->size,
			(unsigned long long)ret_content->gen);
	case CONTENT_TORN:
		break;
	}
	return fail(p, "n%d: %s found a torn file: %s", n, who, why);
}

/* Opens and reads a file that must be one whole version. */
static bool read_whole(Proc *p, int n, const char *path, const char *who, Content *ret_content)
{
	ssize_t size;
	int fd;

	doing(p, "opening for reading", n);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(p, "n%d: open for reading: %s", n, strerror(errno));
	size = read_all(p, fd);
	close(fd);
	if (size < 0)
		return fail(p, "n%d: read: %s", n, strerror((int)-size));
	return judge_whole(p, n, who, (size_t)size, ret_content);
}

/* What stat says of the file in the backing. All zeros if the backing cannot be seen. */
static bool stat_below(Proc *p, int n, const char *path, Seen *ret_seen)
{
	char below[PATH_SIZE];
	struct stat st;

	*ret_seen = (Seen){0};
	if (!p->crew->below)
		return true;
	below_path_of(p, path, below);
	if (stat(below, &st) < 0)
		return fail(p, "n%d is not in the backing: %s", n, strerror(errno));
	*ret_seen = seen_from(&st);
	return true;
}

/* What has been seen of a file that nobody writes is what the backing holds, but for the ctime,
 * which may be what was told before a new name was exposed (P6). The bytes seen are the first size
 * of p->in. */
static bool look_below(Proc *p, int n, const char *path, const Seen *seen, size_t size)
{
	char below[PATH_SIZE];
	Seen is, want = *seen;
	ssize_t n_read;
	int fd;

	if (!p->crew->below)
		return true;
	if (!stat_below(p, n, path, &is))
		return false;
	want.ctime = is.ctime;
	if (!seen_equal(&want, &is))
		return fail(p, "n%d: the backing has something else than the mount shows: %s", n,
			seen_diff(&want, &is));
	below_path_of(p, path, below);
	fd = open(below, O_RDONLY | O_CLOEXEC);
	n_read = fd < 0 ? -1 : read(fd, p->scratch, sizeof(p->scratch));
	if (fd >= 0)
		close(fd);
	return (n_read == (ssize_t)size && memcmp(p->in, p->scratch, size) == 0) ||
	       fail(p, "n%d: the backing has other bytes than the mount shows", n);
}

/* Opens, and checks that stat, fstat and the bytes belong to one and the same whole version. For
 * when nobody may change it. Keeps the descriptor open if ret_fd is not NULL. */
static bool look_above(
	Proc *p, int n, const char *path, Seen *ret_seen, Content *ret_content, int *ret_fd)
{
	Seen by_path, by_fd = {0};
	struct stat st;
	ssize_t size;
	int fd;

	if (!stat_path(p, n, path, &by_path))
		return false;
	doing(p, "opening for reading", n);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(p, "n%d: open for reading: %s", n, strerror(errno));
	doing(p, "reading", n);
	size = read_all(p, fd);
	if (size < 0 || fstat(fd, &st) < 0)
		fail(p, "n%d: read: %s", n, strerror(size < 0 ? (int)-size : errno));
	else
		by_fd = seen_from(&st);
	if (size < 0 || !ret_fd)
		close(fd);
	else
		*ret_fd = fd;
	if (size < 0)
		return false;
	*ret_seen = by_path;
	if (!seen_equal(&by_path, &by_fd))
		return fail(p, "n%d: fstat after open differs from stat: %s", n,
			seen_diff(&by_path, &by_fd));
	if (by_path.size != (uint64_t)size)
		return fail(p, "n%d: %zd bytes read, but the size is %llu", n, size,
			(unsigned long long)by_path.size);
	return judge_whole(p, n, "a look when nobody writes", (size_t)size, ret_content);
}

/* The same, and that the backing has this version. */
static bool look(
	Proc *p, int n, const char *path, Seen *ret_seen, Content *ret_content, int *ret_fd)
{
	return look_above(p, n, path, ret_seen, ret_content, ret_fd) &&
	       look_below(p, n, path, ret_seen, ret_content->size);
}

static bool expect_content(Proc *p, int n, const char *when, const Content *want, const Content *is)
{
	if (content_same(want, is))
		return true;
	return fail(p, "n%d %s: generation %llu of %llu bytes, expected generation %llu of %llu", n,
		when, (unsigned long long)is->gen, (unsigned long long)is->size,
		(unsigned long long)want->gen, (unsigned long long)want->size);
}

/* P2 and P3: what stat may say after a session. */
static bool check_verdict(Proc *p, int n, const char *how, bool changed, const Seen *before,
	const Seen *after, bool with_ctime)
{
	const Name *name = &p->crew->names[n];
	Seen same = *before;

	if (p->crew->plain)
		return true;
	if (!with_ctime)
		same.ctime = after->ctime;
	if (!changed)
		return seen_equal(&same, after) ||
		       fail(p, "n%d, %s: the same bytes left a trace: %s", n, how,
			       seen_diff(before, after));
	if (after->mtime <= before->mtime - !p->crew->strict_mtime)
		return fail(p, "n%d, %s: other bytes, but the mtime is no later: %s", n, how,
			seen_diff(before, after));
	if (after->mtime < name->earliest)
		return fail(p, "n%d, %s: the mtime is %lld ns before the end of the session", n,
			how, (long long)(name->earliest - after->mtime));
	if (after->mtime > clock_ns(CLOCK_REALTIME))
		return fail(p, "n%d, %s: the mtime is in the future", n, how);
	return true;
}

/* ---- the partner's part ---- */

typedef enum {
	ASK_END,    /* leave; no answer */
	ASK_LOOK,   /* look at path: exactly content and seen */
	ASK_DURING, /* P1: the same, for what an open session may not have touched; keep it open */
	ASK_AFTER,  /* the verdict on path; what was kept open has not changed */
	ASK_ABSENT, /* path does not exist */
	ASK_RENAME, /* path to to */
	ASK_EXCHANGE, /* path with to */
	ASK_REMOVE,   /* path */
} AskKind;

typedef struct Ask Ask;
struct Ask {
	AskKind kind;
	int name;
	bool changed, with_ctime, any_seen;
	Way way;
	uint64_t round;
	Content content;
	Seen seen;
	char path[PATH_SIZE], to[PATH_SIZE];
};

typedef struct Answer Answer;
struct Answer {
	bool ok;
	Seen seen;
};

typedef struct Partner Partner;
struct Partner {
	int old_fd; /* of ASK_DURING, or -1 */
	Content old;
	Seen old_seen;
};

static bool old_version_stays(Proc *p, int n, int fd, const Content *old, const Seen *seen)
{
	Content is;
	struct stat st;
	ssize_t size;

	if (lseek(fd, 0, SEEK_SET) < 0 || (size = read_all(p, fd)) < 0 || fstat(fd, &st) < 0)
		return fail(p, "n%d: an older handle cannot be read", n);
	if (!judge_whole(p, n, "an older handle", (size_t)size, &is) ||
		!expect_content(p, n, "through an older handle", old, &is))
		return false;
	if (st.st_ino != seen->ino || seen_from(&st).mtime != seen->mtime)
		return fail(p, "n%d: fstat through an older handle has changed: %s", n,
			seen_diff(seen, &(Seen){st.st_ino, (uint64_t)st.st_size,
						seen_from(&st).mtime, seen->ctime}));
	return true;
}

static bool partner_during(Proc *p, Partner *partner, const Ask *ask)
{
	if (p->crew->plain)
		return true;
	if (partner->old_fd >= 0)
		close(partner->old_fd);
	partner->old_fd = -1;
	if (!look(p, ask->name, ask->path, &partner->old_seen, &partner->old, &partner->old_fd))
		return false;
	if (!expect_content(
		    p, ask->name, "during a session, from outside", &ask->content, &partner->old))
		return false;
	if (!ask->with_ctime)
		partner->old_seen.ctime = ask->seen.ctime;
	return ask->any_seen || seen_equal(&ask->seen, &partner->old_seen) ||
	       fail(p, "n%d during a session, from outside: %s", ask->name,
		       seen_diff(&ask->seen, &partner->old_seen));
}

static bool partner_after(Proc *p, Partner *partner, const Ask *ask, Seen *ret_seen)
{
	Content is;

	if (!look(p, ask->name, ask->path, ret_seen, &is, NULL) ||
		!expect_content(p, ask->name, way_names[ask->way], &ask->content, &is) ||
		(!ask->any_seen && !check_verdict(p, ask->name, way_names[ask->way], ask->changed,
					   &ask->seen, ret_seen, ask->with_ctime)))
		return false;
	return partner->old_fd < 0 ||
	       old_version_stays(p, ask->name, partner->old_fd, &partner->old, &partner->old_seen);
}

static bool partner_does(Proc *p, Partner *partner, const Ask *ask, Seen *ret_seen)
{
	Content is;
	int r = 0;

	switch (ask->kind) {
	case ASK_LOOK:
		if (!look(p, ask->name, ask->path, ret_seen, &is, NULL) ||
			!expect_content(p, ask->name, "right after a close", &ask->content, &is))
			return false;
		return seen_equal(&ask->seen, ret_seen) ||
		       fail(p, "n%d right after a close (%s) differs from what its writer saw: %s",
			       ask->name, way_names[ask->way], seen_diff(&ask->seen, ret_seen));
	case ASK_DURING:
		return partner_during(p, partner, ask);
	case ASK_AFTER:
		return partner_after(p, partner, ask, ret_seen);
	case ASK_ABSENT:
		if (access(ask->path, F_OK) == 0 || errno != ENOENT)
			return fail(p, "n%d: %s should not be there: %s", ask->name, ask->path,
				strerror(errno));
		return true;
	case ASK_RENAME:
		r = rename(ask->path, ask->to);
		break;
	case ASK_EXCHANGE:
		r = renameat2(AT_FDCWD, ask->path, AT_FDCWD, ask->to, RENAME_EXCHANGE);
		break;
	case ASK_REMOVE:
		r = unlink(ask->path);
		break;
	case ASK_END:
		abort();
	}
	return r == 0 || fail(p, "n%d: a rename or removal: %s", ask->name, strerror(errno));
}

/* Does what the partner asks; false when it asks to leave. */
static bool partner_serve(Proc *p, Partner *partner, const Ask *ask)
{
	Answer answer = {0};

	if (ask->kind == ASK_END)
		return false;
	p->round = ask->round;
	answer.ok = partner_does(p, partner, ask, &answer.seen);
	if (ask->kind == ASK_AFTER && partner->old_fd >= 0) {
		close(partner->old_fd);
		partner->old_fd = -1;
	}
	return message_send(p, &answer, sizeof(answer));
}

static bool ask(Proc *p, Ask *ask, Seen *ret_seen)
{
	Answer answer;

	ask->round = p->round;
	doing(p, "waiting for its partner", ask->name);
	if (!message_send(p, ask, sizeof(*ask)) ||
		!message_receive(p, &answer, sizeof(answer), true))
		return fail(p, "the partner is gone");
	if (answer.ok && ret_seen)
		*ret_seen = answer.seen;
	return answer.ok;
}

static void ask_to_leave(Proc *p)
{
	Ask end = {.kind = ASK_END};

	message_send(p, &end, sizeof(end));
}

/* ---- making and removing the files of a case ---- */

static bool make_file(Proc *p, int n, const char *path)
{
	Name *name = &p->crew->names[n];
	int r, fd;

	name->content = content_new(p, n, name->content.gen + 1);
	content_fill(&name->content, p->out);
	doing(p, "making a file", n);
	atomic_store(&name->announced, name->content.gen);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(p, "n%d: making it: %s", n, strerror(errno));
	r = write_pieces(p, fd, p->out, name->content.size);
	if (close(fd) < 0 || r < 0)
		return fail(
			p, "n%d: making it: write or close: %s", n, strerror(r < 0 ? -r : errno));
	atomic_store(&name->published, name->content.gen);
	return stat_path(p, n, path, &name->seen);
}

static void setup_files(Proc *p)
{
	char path[PATH_SIZE];

	for (int n = 0; n < p->crew->n_names; n++) {
		path_of(p, n, path);
		if (!make_file(p, n, path))
			return;
	}
}

/* Every file that is left is whole when nobody writes any more, and nothing hidden shows. */
static void conclude_whole(Proc *p)
{
	DIR *dir = opendir(p->crew->dir);
	char path[PATH_SIZE + NAME_MAX + 1];
	struct dirent *e;
	Content c;
	Seen seen;

	if (!dir) {
		fail(p, "opendir: %s", strerror(errno));
		return;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.') {
			if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
				fail(p, "%s shows in the mount", e->d_name);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", p->crew->dir, e->d_name);
		if (!look(p, -1, path, &seen, &c, NULL))
			fail(p, "that was %s, at the end", e->d_name);
	}
	closedir(dir);
}
