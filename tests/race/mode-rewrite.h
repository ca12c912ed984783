/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cases in which files that are there are written again, and the verdict on each session is
 * checked. */

#include "look.h"

/* ---- inplace: rewritten in place, read by everyone at any time ---- */

enum { N_HELD = 4 };

typedef struct Reader Reader;
struct Reader {
	Partner partner;
	struct {
		uint64_t gen;
		Seen seen;
	} last[MAX_NAMES]; /* what this process saw last of each name */
	struct {
		int fd; /* -1: nothing held */
		int name;
		char *map;
		Content content;
		Seen seen;
	} held[N_HELD]; /* older versions, kept open */
	unsigned next_held;
};

static void reader_begin(Reader *r)
{
	r->partner.old_fd = -1;
	for (int i = 0; i < N_HELD; i++)
		r->held[i].fd = -1;
}

static bool held_drop(Proc *p, Reader *r, unsigned i)
{
	bool ok;

	if (r->held[i].fd < 0)
		return true;
	doing(p, "reading an older version", r->held[i].name);
	ok = old_version_stays(
		p, r->held[i].name, r->held[i].fd, &r->held[i].content, &r->held[i].seen);
	content_fill(&r->held[i].content, p->scratch);
	if (ok && memcmp(r->held[i].map, p->scratch, r->held[i].content.size) != 0)
		ok = fail(p, "n%d: a mapping of an older version has changed", r->held[i].name);
	munmap(r->held[i].map, r->held[i].content.size);
	close(r->held[i].fd);
	r->held[i].fd = -1;
	return ok;
}

/* Takes over fd, which has been read and judged. */
static bool held_take(Proc *p, Reader *r, int fd, int n, const Content *c, const Seen *seen)
{
	unsigned i = r->next_held++ % N_HELD;
	char *map;

	if (!held_drop(p, r, i))
		return false;
	map = mmap(NULL, c->size, PROT_READ, pick(p, 2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		close(fd);
		return fail(p, "n%d: mmap: %s", n, strerror(errno));
	}
	r->held[i].fd = fd;
	r->held[i].name = n;
	r->held[i].map = map;
	r->held[i].content = *c;
	r->held[i].seen = *seen;
	return true;
}

/* Reads all there is into p->in, through a mapping. */
static ssize_t read_mapped(Proc *p, int fd, size_t size)
{
	char *map;

	if (size == 0 || size > sizeof(p->in))
		return read_all(p, fd);
	map = mmap(NULL, size, PROT_READ, pick(p, 2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	memcpy(p->in, map, size);
	munmap(map, size);
	return (ssize_t)size;
}

/* Generations and times only ever go on, and belong together. */
static bool reader_compare(Proc *p, Reader *r, int n, const Content *c, const Seen *seen,
	uint64_t published, uint64_t announced)
{
	const Seen *last = &r->last[n].seen;
	uint64_t last_gen = r->last[n].gen;

	if (c->gen < published)
		return fail(p, "n%d: an open after the close of generation %llu found %llu", n,
			(unsigned long long)published, (unsigned long long)c->gen);
	if (c->gen > announced)
		return fail(p, "n%d: generation %llu was read before its session ended (%llu)", n,
			(unsigned long long)c->gen, (unsigned long long)announced);
	if (c->gen == last_gen && (seen->ino != last->ino || seen->mtime != last->mtime))
		return fail(p, "n%d: generation %llu has changed: %s", n,
			(unsigned long long)c->gen, seen_diff(last, seen));
	if (last_gen > 0 && c->gen > last_gen &&
		seen->mtime <= last->mtime - !p->crew->strict_mtime)
		return fail(p, "n%d: generation %llu is no younger than %llu: %s", n,
			(unsigned long long)c->gen, (unsigned long long)last_gen,
			seen_diff(last, seen));
	r->last[n].gen = c->gen;
	r->last[n].seen = *seen;
	return true;
}

static bool reader_open(Proc *p, Reader *r, int n)
{
	Name *name = &p->crew->names[n];
	uint64_t published = atomic_load(&name->published);
	char path[PATH_SIZE];
	bool mapped = pick(p, 3) == 0;
	Content c;
	struct stat st;
	ssize_t size;
	Seen seen;
	int fd;

	path_of(p, n, path);
	doing(p, "opening for reading", n);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(p, "n%d: open for reading: %s", n, strerror(errno));
	doing(p, "reading", n);
	size = fstat(fd, &st) < 0 ? -errno
	       : mapped           ? read_mapped(p, fd, (size_t)st.st_size)
				  : read_all(p, fd);
	seen = seen_from(&st);
	if (size < 0 || (uint64_t)size != seen.size) {
		close(fd);
		if (size < 0)
			return fail(p, "n%d: read: %s", n, strerror((int)-size));
		return fail(p, "n%d: %zd bytes read, but fstat said %llu", n, size,
			(unsigned long long)seen.size);
	}
	if (!judge_whole(p, n, "a reader", (size_t)size, &c) ||
		(!p->crew->plain && !reader_compare(p, r, n, &c, &seen, published,
					    atomic_load(&name->announced)))) {
		fail(p, "n%d: that was %s, inode %llu, mtime %lld", n, mapped ? "mapped" : "read",
			(unsigned long long)seen.ino, (long long)seen.mtime);
		close(fd);
		return false;
	}
	if (!p->crew->plain && pick(p, 8) == 0)
		return held_take(p, r, fd, n, &c, &seen);
	close(fd);
	return true;
}

static bool reader_stat(Proc *p, int n)
{
	Name *name = &p->crew->names[n];
	int64_t published = atomic_load(&name->published_mtime);
	char path[PATH_SIZE];
	Seen seen;

	path_of(p, n, path);
	if (!stat_path(p, n, path, &seen))
		return false;
	if (!p->crew->plain && seen.mtime < published)
		return fail(p,
			"n%d: stat shows an mtime %lld ns older than that of a version closed "
			"before",
			n, (long long)(published - seen.mtime));
	return true;
}

/* The program neither makes nor removes names here, so a listing has each of them once. */
static bool reader_list(Proc *p)
{
	int n_seen[MAX_NAMES] = {0}, n;
	struct dirent *e;
	DIR *dir;

	doing(p, "listing", -1);
	dir = opendir(p->crew->dir);
	if (!dir)
		return fail(p, "opendir: %s", strerror(errno));
	while ((e = readdir(dir))) {
		if (sscanf(e->d_name, "n%d", &n) == 1 && n >= 0 && n < MAX_NAMES)
			n_seen[n]++;
		else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fail(p, "%s shows in a listing", e->d_name);
	}
	closedir(dir);
	for (n = 0; n < p->crew->n_names; n++)
		if (n_seen[n] != 1)
			return fail(p, "n%d shows %d times in a listing", n, n_seen[n]);
	return true;
}

static void reader_round(Proc *p, Reader *r)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names);
	Name *name = &p->crew->names[n];

	/* Without lklfs a reader must keep away from writers. */
	if (p->crew->plain && pthread_mutex_trylock(&name->lock) != 0)
		return;
	switch (pick(p, 8)) {
	case 0:
		reader_list(p);
		break;
	case 1:
	case 2:
		reader_stat(p, n);
		break;
	default:
		reader_open(p, r, n);
	}
	if (p->crew->plain)
		pthread_mutex_unlock(&name->lock);
}

/* Reads about, and does what the writer asks in between. */
static void inplace_reader(Proc *p)
{
	Reader reader = {0};
	bool more = true;
	Ask a;

	reader_begin(&reader);
	while (more) {
		if (message_receive(p, &a, sizeof(a), false))
			more = partner_serve(p, &reader.partner, &a);
		else
			reader_round(p, &reader);
	}
	for (unsigned i = 0; i < N_HELD; i++)
		held_drop(p, &reader, i);
}

/* Ways in which nothing is written at all, or nothing but the size that is there. */
static bool write_nothing(Proc *p, int n, const char *path, const Content *was)
{
	int r = 0, fd;

	doing(p, "opening for writing, writing nothing", n);
	switch (pick(p, 3)) {
	case 0:
		r = truncate(path, (off_t)was->size);
		break;
	case 1:
		fd = open(path, O_RDWR | O_CLOEXEC);
		r = fd < 0 || ftruncate(fd, (off_t)was->size) < 0 || close(fd) < 0 ? -1 : 0;
		break;
	default:
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		r = fd < 0 || close(fd) < 0 ? -1 : 0;
	}
	return r == 0 || fail(p, "n%d, writing nothing: %s", n, strerror(errno));
}

/* P5: the opener finds by path what it has written. */
static void look_at_own(Write *w)
{
	Content is;
	Seen seen;

	if (pick(w->p, 4) == 0 && look_above(w->p, w->name, w->path, &seen, &is, NULL))
		expect_content(w->p, w->name, "for its own writer", w->is, &is);
}

static void inplace_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names);
	LOCKED_NAME name = name_lock(p, n);
	char path[PATH_SIZE];
	Content is = content_next(p, &name->content), read;
	bool changed = !content_same(&is, &name->content);
	Seen before, after, below_before, below_after;
	Write w = {.p = p,
		.path = path,
		.name = n,
		.way = pick(p, N_SIMPLE_WAYS),
		.was = &name->content,
		.is = &is,
		.before_end = look_at_own};
	Ask a = {.kind = ASK_LOOK, .name = n, .way = w.way, .content = is};

	if (w.way >= WAY_INHERIT && pick(p, 4) > 0) /* forks are dear */
		w.way = pick(p, WAY_INHERIT);
	path_of(p, n, path);
	if (!stat_path(p, n, path, &before) || !stat_below(p, n, path, &below_before))
		return;
	if (!p->crew->plain && !seen_equal(&name->seen, &before)) {
		fail(p, "n%d has changed with nobody writing: %s", n,
			seen_diff(&name->seen, &before));
		return;
	}
	if (changed || pick(p, 4) > 0 ? !session_write(&w) : !write_nothing(p, n, path, &is))
		return;
	atomic_store(&name->published, is.gen);
	a.way = w.way;
	name->content = is;
	if (!look(p, n, path, &after, &read, NULL) ||
		!expect_content(p, n, "for its writer, after the close", &is, &read) ||
		!check_verdict(p, n, way_names[w.way], changed, &before, &after, true) ||
		!stat_below(p, n, path, &below_after))
		return;
	if (!changed && !seen_equal(&below_before, &below_after)) {
		fail(p, "n%d, %s: the same bytes left a trace in the backing: %s", n,
			way_names[w.way], seen_diff(&below_before, &below_after));
		return;
	}
	atomic_store(&name->published_mtime, after.mtime);
	a.seen = name->seen = after;
	snprintf(a.path, sizeof(a.path), "%s", path);
	ask(p, &a, NULL);
}

static void run_inplace(Proc *p)
{
	if (p->index % 2) {
		inplace_reader(p);
		return;
	}
	while (next_round(p))
		inplace_round(p);
	ask_to_leave(p);
}

/* ---- handover: one closes and tells the other, in turn ---- */

static void ask_during(Write *w)
{
	Name *name = &w->p->crew->names[w->name];
	Ask a = {.kind = ASK_DURING,
		.name = w->name,
		.way = w->way,
		.with_ctime = true,
		.content = *w->was,
		.seen = name->seen};

	snprintf(a.path, sizeof(a.path), "%s", w->path);
	if (pick(w->p, 2))
		ask(w->p, &a, NULL);
	look_at_own(w);
}

static bool handover_round(Proc *p)
{
	int n = p->index / 2;
	Name *name = &p->crew->names[n];
	Content is = content_next(p, &name->content);
	char path[PATH_SIZE];
	Seen after;
	Write w = {.p = p,
		.path = path,
		.name = n,
		.way = pick(p, N_WAYS),
		.was = &name->content,
		.is = &is,
		.before_end = ask_during};
	Ask a = {.kind = ASK_AFTER,
		.name = n,
		.way = w.way,
		.with_ctime = true,
		.content = is,
		.seen = name->seen,
		.changed = !content_same(&is, &name->content)};

	path_of(p, n, path);
	snprintf(a.path, sizeof(a.path), "%s", path);
	if (!session_write(&w))
		return false;
	if (!ask(p, &a, &name->seen))
		return false;
	if (w.way == WAY_OUTLIVED && session_outlived_end(&w) < 0)
		return fail(p, "n%d: the heir of a descriptor failed", n);
	name->content = is;
	if (!stat_path(p, n, path, &after))
		return false;
	return seen_equal(&name->seen, &after) ||
	       fail(p,
		       "n%d, %s: when all is over its writer sees another version than its "
		       "partner: %s",
		       n, way_names[w.way], seen_diff(&name->seen, &after));
}

static void run_handover(Proc *p)
{
	Partner partner = {.old_fd = -1};
	bool active = p->index % 2 == 0, leave = false;
	/* hands the turn over: an ASK_END while the partner is told to go on, too */
	Ask a;
	char turn;

	while (!leave) {
		if (active) {
			leave = !next_round(p) || !(handover_round(p) || p->crew->keep_going);
			ask_to_leave(p);
			turn = leave;
			if (!message_send(p, &turn, 1))
				return;
		} else {
			while (message_receive(p, &a, sizeof(a), true) &&
				partner_serve(p, &partner, &a))
				;
			if (partner.old_fd >= 0)
				close(partner.old_fd);
			partner.old_fd = -1;
			if (!message_receive(p, &turn, 1, true))
				return;
			leave = turn;
		}
		active = !active;
	}
}

/* ---- carry: renamed, replaced or removed while the session is open ---- */

typedef enum {
	CARRY_MOVE,      /* to a new name */
	CARRY_MOVE_OVER, /* to a name that exists */
	CARRY_EXCHANGE,
	CARRY_REPLACE, /* another file is renamed over it: the session goes out of sight */
	CARRY_REMOVE,
	N_CARRIES,
} Carry;

static const char *const carry_names[N_CARRIES] = {
	"moved", "moved over another", "exchanged", "replaced", "removed"};

typedef struct Carried Carried;
struct Carried {
	Write w; /* first, so that the callback finds the rest */
	Carry carry;
	char a[PATH_SIZE], b[PATH_SIZE];
	Content other; /* what the other file holds, if there is one */
	bool ok;
};

static bool carry_ask(
	Carried *c, AskKind kind, const char *path, const Content *content, bool any_seen)
{
	Proc *p = c->w.p;
	Name *name = &p->crew->names[c->w.name];
	Ask a = {.kind = kind,
		.name = c->w.name,
		.way = c->w.way,
		.any_seen = any_seen,
		.seen = name->seen,
		/* Under another name the same bytes are new. */
		.changed = path == c->b || !content_same(c->w.is, c->w.was)};

	if (content)
		a.content = *content;
	snprintf(a.path, sizeof(a.path), "%s", path);
	snprintf(a.to, sizeof(a.to), "%s", path == c->a ? c->b : c->a);
	if (ask(p, &a, NULL))
		return true;
	return fail(p, "n%d was %s, %s", c->w.name, carry_names[c->carry],
		kind == ASK_AFTER || kind == ASK_ABSENT ? "then closed" : "while open");
}

static void carry_before_end(Write *w)
{
	Carried *c = (Carried *)w;

	switch (c->carry) {
	case CARRY_MOVE:
	case CARRY_MOVE_OVER:
		c->ok = carry_ask(c, ASK_RENAME, c->a, NULL, false) &&
			carry_ask(c, ASK_DURING, c->b, w->was, false) &&
			carry_ask(c, ASK_ABSENT, c->a, NULL, false);
		return;
	case CARRY_EXCHANGE:
		c->ok = carry_ask(c, ASK_EXCHANGE, c->a, NULL, false) &&
			carry_ask(c, ASK_DURING, c->b, w->was, false) &&
			carry_ask(c, ASK_DURING, c->a, &c->other, true);
		return;
	case CARRY_REPLACE:
		c->ok = carry_ask(c, ASK_RENAME, c->b, NULL, false) &&
			carry_ask(c, ASK_DURING, c->a, &c->other, true);
		return;
	case CARRY_REMOVE:
		c->ok = carry_ask(c, ASK_REMOVE, c->a, NULL, false) &&
			carry_ask(c, ASK_ABSENT, c->a, NULL, false);
		return;
	case N_CARRIES:
		break;
	}
	abort();
}

/* What is where when the session has ended; then a holds a file again and b none. */
static bool carry_after(Carried *c)
{
	Name *name = &c->w.p->crew->names[c->w.name];
	bool ok;

	switch (c->carry) {
	case CARRY_MOVE:
	case CARRY_MOVE_OVER:
		ok = carry_ask(c, ASK_AFTER, c->b, c->w.is, false) &&
		     carry_ask(c, ASK_ABSENT, c->a, NULL, false);
		break;
	case CARRY_EXCHANGE:
		ok = carry_ask(c, ASK_AFTER, c->b, c->w.is, false) &&
		     carry_ask(c, ASK_AFTER, c->a, &c->other, true);
		break;
	case CARRY_REPLACE:
		ok = carry_ask(c, ASK_AFTER, c->a, &c->other, true) &&
		     carry_ask(c, ASK_ABSENT, c->b, NULL, false);
		name->content = c->other;
		return ok;
	case CARRY_REMOVE:
		return carry_ask(c, ASK_ABSENT, c->a, NULL, false) &&
		       make_file(c->w.p, c->w.name, c->a);
	default:
		abort();
	}
	name->content = *c->w.is;
	return ok && (rename(c->b, c->a) == 0 ||
			     fail(c->w.p, "n%d: rename: %s", c->w.name, strerror(errno)));
}

static bool carry_round(Proc *p)
{
	int n = p->index / 2;
	Name *name = &p->crew->names[n];
	Content was = name->content, is = content_next(p, &was);
	Carried c = {.carry = pick(p, N_CARRIES),
		.w = {.p = p,
			.name = n,
			.way = pick(p, N_SIMPLE_WAYS),
			.was = &was,
			.is = &is,
			.before_end = carry_before_end}};

	if (c.carry == CARRY_EXCHANGE && p->crew->no_flags)
		c.carry = CARRY_MOVE_OVER;
	path_of(p, n, c.a);
	snprintf(c.b, sizeof(c.b), "%s/other%d", p->crew->dir, n);
	c.w.path = c.a;
	if (c.carry != CARRY_MOVE && c.carry != CARRY_REMOVE) {
		if (!make_file(p, n, c.b))
			return false;
		c.other = name->content;
		name->content = was;
		/* a generation of its own */
		is.gen = content_same(&is, &was) ? was.gen : c.other.gen + 1;
		content_seal(&is);
	}
	c.ok = true;
	if (!stat_path(p, n, c.a, &name->seen) || !session_write(&c.w) || !c.ok || !carry_after(&c))
		return false;
	return stat_path(p, n, c.a, &name->seen);
}

static void run_carry(Proc *p)
{
	Partner partner = {.old_fd = -1};
	Ask a;

	if (p->index % 2) {
		while (message_receive(p, &a, sizeof(a), true) && partner_serve(p, &partner, &a))
			;
		return;
	}
	while (next_round(p))
		if (!carry_round(p))
			break; /* what the names hold is not known any more */
	ask_to_leave(p);
}
