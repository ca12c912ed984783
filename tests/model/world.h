/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The model: what a tree of files is, if P1 to P12 hold.
 *
 * A name leads to an inode, or to a session whose file is not exposed yet. An inode here is one
 * version of a file: exposing other bytes makes a new one (but for hard links, P14), so that a
 * handle goes on reading what it has opened. A session has the bytes that are staged. Nothing here
 * knows how lklfs does it: node ids, requests refused and repeated, staging files, what the kernel
 * caches.
 *
 * mtimes that must stay or go back are numbers. Those that must be new are a window, which the
 * backing's answer is checked against, and becomes the number. */

#include <assert.h>
#include <sys/stat.h>

#include "actor.h"

enum { MAX_OPENERS = 32, MAX_LOOKS = 32, MAX_FORMERS = 8 };

typedef struct Text Text;
typedef struct Inode Inode;
typedef struct Session Session;
typedef struct Former Former;
typedef struct Look Look;
typedef struct Looks Looks;
typedef struct Name Name;
typedef struct Held Held;
typedef struct World World;

/* Some bytes; the same bytes are the same Text. */
struct Text {
	Text *next;
	uint64_t hash;
	int size;
	char data[];
};

struct Inode {
	Inode *next;
	uint32_t type, mode;
	Text *text; /* of a link: its target */
	int n_links;
	int64_t mtime;     /* if lo is 0 */
	int64_t lo, after; /* else it is to be learned: not before lo, and after that */
	int64_t hi;        /* 0: until now */
	bool moved;        /* the backing's inode may have another number or ctime than before */
	bool held;         /* its mtime has been held back: under another name it is stamped */
	bool arrived;      /* it has got its name with an old mtime: written again, it is new */
	int wrote;         /* the step that has written it as it is; 0: unknown */
	int epoch;         /* counts times that changed without a user's setting them */
	int n_through;     /* times that it was written through, for it had several names (P14) */
	/* what the backing had when it was last looked at; ino 0: not seen yet */
	uint64_t ino;
	int64_t ctime;
};

/* That a step has looked at something. */
struct Look {
	int step;
	bool bytes;  /* more than at times, or for the name */
	bool driver; /* it was the build driver */
};

struct Looks {
	Look list[MAX_LOOKS];
	int n;
};

struct Session {
	Session *next;
	int path;    /* that it will be exposed under; ROOT: none any more */
	Inode *base; /* what was exposed when it lost its path */
	bool missed; /* ... which had other names then: they get what is written (P14) */
	Inode *made; /* of a new name: not in the backing; else NULL */
	char *data;
	int size;
	bool dirty;     /* something was written, stored or truncated */
	Looks looks;    /* at what is staged; writing it is one (P10) */
	bool touched;   /* now was asked for (P11) */
	bool moved;     /* it has got another name */
	bool times_set; /* a writer set mtime, and wrote nothing after that */
	bool unsure; /* its mtime, as long as nothing is written, need not be the exposed one's */
	int64_t mtime;
	int64_t wrote_lo, wrote_hi; /* when it was last written */
	struct {
		int actor, process;
	} openers[MAX_OPENERS];
	int n_openers, n_writers;
	bool ended;
};

/* What was under a name once (P7, P9). */
struct Former {
	uint32_t type;
	Text *text;
	int64_t mtime;
	Inode *self; /* what left */
	int left;    /* counts up: when */
	Looks looks; /* since then, and at what was staged when it left */
};

struct Name {
	Inode *inode;     /* exposed; NULL: nothing */
	Session *session; /* open; with `made` if the name is new */
	Inode *shadow;    /* what the backing has until the new file that replaced it is exposed */
	Former formers[MAX_FORMERS]; /* the last one that left first */
	int n_formers;
	int kept_by; /* the process whose session was the last one, and left no trace; 0: none */
	int kept_at; /* number of the operation that ended it */
	unsigned kept_maybe; /* bits: actors whose session that may have been */
};

/* A handle, or a mapping that has outlived it. */
struct Held {
	bool open, mapped;
	bool reads, writes, append; /* what it was opened for */
	Session *session;           /* that it is counted in, or reads; else NULL */
	bool counts;                /* it keeps the session open */
	Inode *inode;               /* of an exposed version */
	int n_through;              /* and how often it had been written through by then */
	int epoch;                  /* of the inode when it was opened */
	int map_size;
};

/* What has come of writing, renaming and linking. */
typedef enum { KEPT, TOUCHED, CHANGED, NEW, RESTORED, REMOVED, N_TALLIES } Tally;

static const char *const tally_names[N_TALLIES] = {
	"kept", "touched", "changed", "new", "restored", "removed"};

struct World {
	int tallies[N_TALLIES];
	bool always; /* P16 is on */
	bool keeps;  /* what names were before is remembered */
	Name names[N_PATHS];
	Held held[N_ACTORS][N_SLOTS];
	int processes[N_ACTORS], steps[N_ACTORS]; /* numbers that are not used again */
	int last_number;
	int n_ops, n_sessions, n_restarts;
	int n_left;    /* former versions so far */
	int64_t began; /* no earlier than the mount */
	int64_t now;   /* no later than the operation's beginning */
	int64_t end;   /* no earlier than its end */
	Text *texts[256];
	Inode *inodes;
	Session *sessions;
};

static Text *text_intern(World *w, const char *data, int size)
{
	uint64_t hash = bytes_hash(data, (size_t)size);
	Text **list = &w->texts[hash % 256], *text;

	for (text = *list; text; text = text->next)
		if (text->hash == hash && text->size == size &&
			memcmp(text->data, data, (size_t)size) == 0)
			return text;
	text = calloc(1, sizeof(*text) + (size_t)size + 1);
	if (!text)
		abort();
	text->hash = hash;
	text->size = size;
	memcpy(text->data, data, (size_t)size);
	text->next = *list;
	return *list = text;
}

static Inode *inode_new(World *w, uint32_t type, uint32_t mode, Text *text)
{
	Inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		abort();
	inode->type = type;
	inode->mode = mode;
	inode->text = text;
	inode->n_links = 1;
	inode->moved = true;
	inode->next = w->inodes;
	return w->inodes = inode;
}

/* Its mtime is to be that of this operation, and later than what it was. */
static void inode_stamp(World *w, Inode *inode, int64_t after)
{
	inode->lo = w->now;
	inode->after = after < w->end ? after : 0;
	inode->hi = 0;
	inode->moved = true;
	inode->held = inode->arrived = false;
	inode->wrote = 0;
}

static void inode_set_mtime(Inode *inode, int64_t mtime)
{
	inode->mtime = mtime;
	inode->lo = inode->hi = inode->after = 0;
	inode->moved = true;
	inode->held = inode->arrived = false;
	inode->wrote = 0;
}

static void world_new_step(World *w, int actor)
{
	w->processes[actor] = ++w->last_number;
	w->steps[actor] = w->last_number;
	/* A child belongs to its parent's step if there is a driver above. */
	if (actor == STEP_A) {
		w->processes[CHILD_A] = ++w->last_number;
		w->steps[CHILD_A] = w->steps[STEP_A];
	}
}

static void world_init(World *w, bool always, bool keeps)
{
	*w = (World){.always = always, .keeps = keeps};
	for (int i = 0; i < N_ACTORS; i++)
		if (i != CHILD_A)
			world_new_step(w, i);
}

static void world_free(World *w)
{
	for (int i = 0; i < 256; i++)
		for (Text *t = w->texts[i], *next; t; t = next) {
			next = t->next;
			free(t);
		}
	for (Inode *i = w->inodes, *next; i; i = next) {
		next = i->next;
		free(i);
	}
	for (Session *s = w->sessions, *next; s; s = next) {
		next = s->next;
		free(s->data);
		free(s);
	}
	*w = (World){};
}

/* Whether a driver runs the actor's step. */
static bool actor_is_driven(int actor)
{
	return actor == STEP_A || actor == CHILD_A || actor == STEP_B;
}

static bool actor_is_above(int above, int actor)
{
	for (actor = actor_parents[actor]; actor != NOBODY; actor = actor_parents[actor])
		if (actor == above)
			return true;
	return false;
}

/* P5: the writers, and whoever is below or above them. A step ends with its sessions. */
static bool session_is_family(const Session *s, int actor)
{
	for (int i = 0; i < s->n_openers; i++) {
		int opener = s->openers[i].actor;

		if (opener == actor || actor_is_above(opener, actor) ||
			actor_is_above(actor, opener))
			return true;
	}
	return false;
}

static void looks_add(const World *w, Looks *looks, int actor, bool bytes)
{
	int i = 0;

	while (i < looks->n && looks->list[i].step != w->steps[actor])
		i++;
	assert(i < MAX_LOOKS);
	if (i == looks->n)
		looks->list[looks->n++] =
			(Look){.step = w->steps[actor], .driver = actor == DRIVER};
	looks->list[i].bytes |= bytes;
}

/* P10: whether nobody but the actor's step has looked, and its driver only at times. */
static bool looks_are_excused(const World *w, const Looks *looks, int actor)
{
	for (int i = 0; i < looks->n; i++) {
		const Look *look = &looks->list[i];

		if (look->step != w->steps[actor] &&
			(look->bytes || !look->driver || !actor_is_driven(actor)))
			return false;
	}
	return true;
}

/* Whether somebody else than its writer's step has seen what is staged. */
static bool session_is_seen(const World *w, const Session *s)
{
	return !looks_are_excused(w, &s->looks, s->openers[0].actor);
}

static void session_join(World *w, Session *s, int actor)
{
	for (int i = 0; i < s->n_openers; i++)
		if (s->openers[i].process == w->processes[actor])
			return;
	looks_add(w, &s->looks, actor, true);
	assert(s->n_openers < MAX_OPENERS);
	s->openers[s->n_openers].actor = actor;
	s->openers[s->n_openers].process = w->processes[actor];
	s->n_openers++;
}

static Session *session_new(World *w, int path, int actor)
{
	Session *s = calloc(1, sizeof(*s));
	const Inode *base = w->names[path].inode;

	if (!s || !(s->data = calloc(1, SIZE_MAX_FILE + 1)))
		abort();
	s->path = path;
	if (base) {
		s->size = base->text->size;
		memcpy(s->data, base->text->data, (size_t)s->size);
	}
	s->next = w->sessions;
	w->sessions = s;
	w->names[path].session = s;
	w->n_sessions++;
	session_join(w, s, actor);
	return s;
}

/* Something is written: certain tells whether the mtime must move. */
static void session_wrote(World *w, Session *s, bool certain)
{
	s->dirty = true;
	s->times_set = false;
	if (certain)
		s->wrote_lo = w->now;
	s->wrote_hi = w->end;
}

static void session_resize(Session *s, int size)
{
	if (size > s->size)
		memset(s->data + s->size, 0, (size_t)(size - s->size));
	s->size = size;
}

static bool name_exists(const Name *n)
{
	return n->inode || (n->session && n->session->made);
}

static uint32_t name_type(const Name *n)
{
	return n->inode ? n->inode->type : name_exists(n) ? S_IFREG : 0;
}

/* The session whose bytes the actor is shown under this name, or NULL. */
static Session *name_staged(const World *w, int path, int actor)
{
	Session *s = w->names[path].session;

	return s && (s->made || session_is_family(s, actor)) ? s : NULL;
}

static bool dir_is_empty(const World *w, int dir)
{
	for (int i = 0; i < N_PATHS; i++)
		if (paths[i].parent == dir && name_exists(&w->names[i]))
			return false;
	return true;
}

/* What the backing has under this name. */
static Inode *name_backing(const Name *n)
{
	return n->shadow ? n->shadow : n->inode;
}
