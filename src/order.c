/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests are received by one thread at a time, in the order in which the kernel queued them, and
 * admitted before the next one is received. Admission is where order is made:
 *
 * - A RELEASE of the last writing handle makes its session undecided, there and then. Nobody waits
 * for a RELEASE, but it is queued before close() returns; so whoever asks after that close is
 * received after it, finds the session undecided, and is parked until the verdict is there.
 * - A verdict waits for everything that was received for the stage before (n_inflight); the last of
 * those to be answered sees to it.
 *
 * Two detours. The kernel holds a RELEASE back while a READ or WRITE of the handle is unanswered,
 * or has been answered but not yet taken apart: so whoever looks at a name with an open session,
 * the writer too, first waits until nothing of it is in flight, then until all that is queued has
 * been received, and asks again. And a descriptor may outlive whoever opened it: then an outsider's
 * look exposes what is there.
 *
 * What has to wait is a raw request in a list, so that the threads go on serving what it waits for.
 * The waits inside a thread are order_settle()'s and order_settle_all()'s, for those who are
 * deciding and need nothing that it has. */

#include "order.h"

#include <string.h>

#include "failed.h"
#include "former.h"
#include "lock.h"
#include "publish.h"
#include "util.h"

/* Verdicts of sessions that begin later are nobody's business who asked before: rename has two
 * names. */
#define ORDER_WAITS_MAX 2
/* Bytes that are written, or compared, in less time than another thread takes to wake. */
#define ORDER_QUICK_SIZE 16384

static Node *order_child(Fs *fs, uint64_t parent, const char *name)
{
	Version *dir = version_find(fs, parent);

	return dir ? node_find(fs, dir->node, name) : NULL;
}

static Admission order_park(Request *r, Stage *stage)
{
	r->again = true;
	r->n_waits++;
	g_queue_push_tail(&stage->parked, r);
	return ADMIT_PARKED;
}

/* For what is not to be seen before what has been closed before: whoever waited for a program that
 * wrote a file, and then touches another one as a sign that it is there, renames it, or makes a
 * directory or a link, would be wrong about that after a crash. What is removed is no sign that
 * something is there. */
static bool order_waits_in_line(Request *r)
{
	Stage *last = g_queue_peek_tail(&r->fs->undecided);

	if (r->in_line || !last)
		return false;
	r->in_line = true;
	order_park(r, last);
	return true;
}

static bool order_must_wait(const Request *r, const Node *node)
{
	return node && node->stage && node->stage->state == STAGE_UNDECIDED &&
	       r->n_waits < ORDER_WAITS_MAX;
}

static Admission order_node(Request *r, Node *node, Admission otherwise)
{
	return order_must_wait(r, node) ? order_park(r, node->stage) : otherwise;
}

/* For who is going to write. What could not be exposed is tried once more before it is changed, for
 * if that fails again everybody sees what is written. */
static Admission order_writer(Request *r, Node *node, GPtrArray *due, Admission otherwise)
{
	if (node && node->stage && r->n_waits == 0 && stage_decide_anew(r->fs, node->stage))
		g_ptr_array_add(due, stage_ref(node->stage));
	return order_node(r, node, otherwise);
}

/* The session that decides what a name shows: its own, or that of another name of the same file. A
 * name that nothing is known of may be such a name. */
static Stage *order_session(Fs *fs, const Node *node)
{
	if (node && node->stage)
		return node->stage;
	for (GList *l = fs->n_shared > 0 ? fs->stages.head : NULL; l; l = l->next) {
		Stage *stage = l->data;

		if (__atomic_load_n(&stage->shared, __ATOMIC_RELAXED) && stage->base_ino &&
			(!node || !node->exposed || node->exposed->ino == stage->base_ino))
			return stage;
	}
	return NULL;
}

static bool order_is_dir(const Node *node)
{
	return node && node->exposed && node->exposed->type == S_IFDIR;
}

/* Who looks at a name that has former versions is written down (P10). */
static Admission order_watched(Request *r, uint64_t parent, const char *name)
{
	const Version *dir = version_find(r->fs, parent);
	const Node *node = order_child(r->fs, parent, name);
	bool watched;

	if (!dir)
		return ADMIT_RUN;
	if (order_is_dir(node))
		watched = former_watches_dir(r->fs, dir->node, name);
	else
		watched = former_watches(r->fs, dir->node, name);
	return watched ? ADMIT_GLANCE : ADMIT_RUN;
}

static Admission order_lookup(Request *r, Node *node, GPtrArray *due)
{
	Stage *stage = order_session(r->fs, node);
	const Version *dir;
	bool promised;
	Pin *pin;

	if (!stage)
		return order_watched(r, request_header(r)->nodeid, request_body(r));
	pin = pin_find(r->fs, (pid_t)request_header(r)->pid);
	dir = version_find(r->fs, request_header(r)->nodeid);
	promised = dir && pin_may_be(pin, dir->node, request_body(r));
	if (stage->state == STAGE_UNDECIDED && (promised || r->n_waits < ORDER_WAITS_MAX))
		return order_park(r, stage);
	/* From here on the session cannot be closed before the promise is kept. */
	if (promised && stage->state == STAGE_OPEN && stage->node == node)
		pin_hold(r->fs, pin, stage, due);
	if (promised)
		return ADMIT_RUN;
	if (stage->state == STAGE_FAILED)
		return order_watched(r, request_header(r)->nodeid, request_body(r));
	return ADMIT_LOOK;
}

/* Whether it has to be found out whose step reads this (P15). */
static bool order_reads_unknown(const Request *r, const Version *version)
{
	pid_t tid = (pid_t)request_header(r)->pid;

	return tid > 0 && !version->node->special && !inputs_know(r->fs->inputs, tid);
}

static bool open_writes(const struct fuse_open_in *in)
{
	return (in->flags & O_ACCMODE) != O_RDONLY || (in->flags & O_TRUNC);
}

static Admission order_open(Request *r, const Version *version, GPtrArray *due)
{
	const struct fuse_open_in *in = request_body(r);
	const bool writes = open_writes(in);
	Admission admission = ADMIT_RUN;

	if (!version)
		return ADMIT_RUN;
	/* Some of its lines may have to be waited for. */
	if (version->node->special == SPECIAL_JOURNAL)
		return ADMIT_LOOK;
	/* Only of a stage that keeps its bytes the kernel may have to be told the size. */
	if (writes || version->state == VERSION_STAGED)
		admission = in->flags & O_TRUNC ? ADMIT_GLANCE : ADMIT_LOOK;
	else if (former_watches_node(r->fs, version->node) || order_reads_unknown(r, version))
		admission = ADMIT_GLANCE;
	return writes ? order_writer(r, version->node, due, admission)
		      : order_node(r, version->node, admission);
}

/* The kernel's own report of times must be served by a thread that never waits for /proc, for it
 * comes from processes that exit. Truncation by path and times set by users begin sessions, or end
 * them. */
static Admission order_setattr(Request *r, const Version *version, GPtrArray *due)
{
	const struct fuse_setattr_in *in = request_body(r);
	bool kernel = !(in->valid & ~(uint32_t)(FATTR_MTIME | FATTR_CTIME));

	if (version && (in->valid & FATTR_MTIME) && !(in->valid & FATTR_FH) &&
		!(kernel && version->type == S_IFREG) && order_waits_in_line(r))
		return ADMIT_PARKED;
	if (!version || version->type != S_IFREG || (in->valid & FATTR_FH) || kernel)
		return ADMIT_RUN;
	if (in->valid & FATTR_SIZE)
		return order_writer(r, version->node, due, ADMIT_LOOK);
	return order_node(r, version->node, in->valid & FATTR_ATIME ? ADMIT_LOOK : ADMIT_RUN);
}

/* Whether the bytes of what is renamed, if it comes to comparing them, are soon compared. */
static bool order_is_small(const Node *node)
{
	return node && !node->stage && node->exposed && node->exposed->type == S_IFREG &&
	       node->exposed->size <= ORDER_QUICK_SIZE;
}

static Admission order_rename(Request *r, const char *names, uint64_t new_parent)
{
	Node *node = order_child(r->fs, request_header(r)->nodeid, names);
	Node *target = order_child(r->fs, new_parent, names + strlen(names) + 1);

	if (order_waits_in_line(r))
		return ADMIT_PARKED;
	if (order_must_wait(r, node))
		return order_park(r, node->stage);
	return order_node(r, target,
		order_is_small(node) && !order_is_dir(target) ? ADMIT_GLANCE : ADMIT_LOOK);
}

static void order_enter(Request *r, Stage *stage)
{
	if (!stage || r->stage)
		return;
	r->stage = stage_ref(stage);
	stage_enter(stage);
}

static void order_release(Request *r)
{
	const struct fuse_release_in *in = request_body(r);
	Handle *handle = (Handle *)(uintptr_t)in->fh;
	Stage *stage = handle->stage;

	if (in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK)
		lock_drop_owner(r->fs, handle->version->node, LOCK_WHOLE, in->lock_owner);
	if (r->fs->options->posix_locks)
		lock_drop_handle(r->fs, handle->version->node, in->fh);
	order_enter(r, stage);
	if (!stage || !handle->writes)
		return;
	stage->n_writers--;
	/* This request is in flight, so the verdict is not due before it has been answered. */
	stage_close(r->fs, stage);
}

/* The handle's stage is what these work on. Their first field is the handle. */
static void order_content(Request *r)
{
	const uint64_t *fh = request_body(r);

	order_enter(r, ((Handle *)(uintptr_t)*fh)->stage);
}

/* A thread that asks for something else has given up what it was promised. */
static void order_end_promise(Request *r, GPtrArray *due)
{
	uint32_t opcode = request_header(r)->opcode;
	Pin *pin = pin_find(r->fs, (pid_t)request_header(r)->pid);

	if (pin && pin->kind == PIN_RENAME && (opcode == FUSE_RENAME || opcode == FUSE_RENAME2))
		return;
	if (pin)
		pin_drop(r->fs, pin, due);
}

/* Whether a directory that is to be synced has this session in it, begun before it was asked for.
 */
static bool order_is_in(const Request *r, const Node *dir, const Stage *stage)
{
	return stage->node->parent == dir && stage->node->linked && stage->version &&
	       stage->version->id <= r->last_id;
}

/* Whose files have been closed by then has their names synced, too. */
static Admission order_fsyncdir(Request *r, const Version *version)
{
	if (!r->last_id)
		r->last_id = r->fs->last_id;
	for (GList *l = version ? r->fs->stages.head : NULL; l; l = l->next) {
		Stage *stage = l->data;

		if (stage->state == STAGE_UNDECIDED && order_is_in(r, version->node, stage))
			return order_park(r, stage);
	}
	return ADMIT_LOOK;
}

static Node *order_named(const Request *r, const char *name)
{
	return order_child(r->fs, request_header(r)->nodeid, name);
}

static Admission order_name(Request *r, const char *name, Admission otherwise)
{
	return order_node(r, order_named(r, name), otherwise);
}

static Admission order_made(Request *r, const char *name, Admission otherwise)
{
	return order_waits_in_line(r) ? ADMIT_PARKED : order_name(r, name, otherwise);
}

static Admission order_by_name(Request *r, GPtrArray *due)
{
	const char *body = request_body(r);

	switch (request_header(r)->opcode) {
	case FUSE_LOOKUP:
		return order_lookup(r, order_child(r->fs, request_header(r)->nodeid, body), due);
	case FUSE_CREATE:
		return order_writer(
			r, order_named(r, body + sizeof(struct fuse_create_in)), due, ADMIT_GLANCE);
	case FUSE_MKNOD:
		return order_made(r, body + sizeof(struct fuse_mknod_in), ADMIT_RUN);
	case FUSE_MKDIR:
		return order_made(r, body + sizeof(struct fuse_mkdir_in), ADMIT_RUN);
	case FUSE_SYMLINK:
		return order_made(r, body, order_watched(r, request_header(r)->nodeid, body));
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return order_name(r, body, ADMIT_RUN);
	case FUSE_RENAME:
		return order_rename(r, body + sizeof(struct fuse_rename_in),
			((const struct fuse_rename_in *)request_body(r))->newdir);
	case FUSE_RENAME2:
		return order_rename(r, body + sizeof(struct fuse_rename2_in),
			((const struct fuse_rename2_in *)request_body(r))->newdir);
	}
	return ADMIT_RUN;
}

static Admission order_by_id(Request *r, Version *version, GPtrArray *due)
{
	Admission admission;

	switch (request_header(r)->opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
		order_content(r);
		return ADMIT_RUN;
	case FUSE_SETXATTR:
		/* An ACL may end set-group-ID, if its setter is not of the group. */
		admission = version && (version->mode & S_ISGID) ? ADMIT_LOOK : ADMIT_RUN;
		return version ? order_node(r, version->node, admission) : ADMIT_RUN;
	case FUSE_FSYNC:
		order_content(r);
		return version && version->node->special ? ADMIT_LOOK : ADMIT_RUN;
	case FUSE_FSYNCDIR:
		return order_fsyncdir(r, version);
	case FUSE_LSEEK:
		order_content(r);
		return r->stage ? ADMIT_LOOK : ADMIT_RUN;
	case FUSE_RELEASE:
		order_release(r);
		return ADMIT_RUN;
	case FUSE_OPEN:
		return order_open(r, version, due);
	case FUSE_SETATTR:
		admission = order_setattr(r, version, due);
		if (admission != ADMIT_PARKED && version)
			order_enter(r, version->stage);
		return admission;
	case FUSE_LINK: {
		const struct fuse_link_in *in = request_body(r);

		if (order_waits_in_line(r))
			return ADMIT_PARKED;
		version = version_find(r->fs, in->oldnodeid);
		return version ? order_node(r, version->node, ADMIT_LOOK) : ADMIT_RUN;
	}
	case FUSE_READLINK:
		return version && former_watches_node(r->fs, version->node) ? ADMIT_GLANCE
									    : ADMIT_RUN;
	case FUSE_READDIR:
		return version && former_watches_below(r->fs, version->node) ? ADMIT_LOOK
									     : ADMIT_RUN;
	case FUSE_GETATTR:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_REMOVEXATTR:
		return version ? order_node(r, version->node, ADMIT_RUN) : ADMIT_RUN;
	}
	return ADMIT_RUN;
}

/* Whether a request that may be run at once needs nothing but a lock for a moment. Should it have
 * to wait after all, it lets another thread receive first. */
static bool order_is_quick(const Request *r)
{
	const struct fuse_in_header *header = request_header(r);
	const struct fuse_setattr_in *setattr = request_body(r);
	const struct fuse_write_in *write = request_body(r);
	const struct fuse_release_in *in = request_body(r);

	switch (header->opcode) {
	case FUSE_LOOKUP:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_GETATTR:
	case FUSE_GETXATTR:
	case FUSE_FLUSH:
	case FUSE_IOCTL:
	case FUSE_READLINK:
	case FUSE_OPEN:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return true;
	case FUSE_SETATTR:
		return !(setattr->valid & FATTR_SIZE);
	case FUSE_WRITE:
		return write->size <= ORDER_QUICK_SIZE;
	case FUSE_RELEASE:
		return !(in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK);
	}
	return false;
}

static Admission order_sort(Request *r, GPtrArray *due)
{
	const struct fuse_in_header *header = request_header(r);

	switch (header->opcode) {
	case FUSE_LOOKUP:
		return order_by_name(r, due);
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_MKDIR:
	case FUSE_MKNOD:
	case FUSE_SYMLINK:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		order_end_promise(r, due);
		return order_by_name(r, due);
	case FUSE_CREATE:
		return order_by_name(r, due);
	case FUSE_OPENDIR:
	case FUSE_READDIR:
	case FUSE_LINK:
		order_end_promise(r, due);
		break;
	}
	return order_by_id(r, version_find(r->fs, header->nodeid), due);
}

Admission order_admit(Request *r, GPtrArray *due)
{
	Admission admission;
	HOLD(&r->fs->lock);

	r->again = false;
	admission = order_sort(r, due);
	return admission == ADMIT_RUN && order_is_quick(r) ? ADMIT_QUICK : admission;
}

/* Whether everybody who opened the stage for writing has gone. Reads /proc. */
static bool order_is_abandoned(GPtrArray *openers)
{
	for (unsigned i = 0; i < openers->len; i++)
		if (!step_has_ended(openers->pdata[i]))
			return false;
	return openers->len > 0;
}

/* What a lookup has to do before it may be answered, found out under the lock. */
typedef enum { LOOK_READY, LOOK_WAITS, LOOK_RECEIVE, LOOK_ABANDONED } Look;

static Look order_look(Request *r, Stage **ret_stage, GPtrArray *openers)
{
	const char *name = request_body(r);
	Stage *stage;
	Node *node;
	HOLD(&r->fs->lock);

	node = order_child(r->fs, request_header(r)->nodeid, name);
	stage = order_session(r->fs, node);
	if (!stage || stage->state == STAGE_FAILED)
		return LOOK_READY;
	if (stage->state == STAGE_UNDECIDED && r->n_waits < ORDER_WAITS_MAX) {
		order_park(r, stage);
		return LOOK_WAITS;
	}
	if (stage->state != STAGE_OPEN)
		return LOOK_READY;
	/* One pass of the receiver gets everything that was queued before this look. What was in
	 * flight then may have held a RELEASE back: that takes another pass. */
	r->settled = r->n_passes > 1 ||
		     (r->n_passes == 1 && stage->n_inflight == 0 && stage->n_left == r->n_left);
	if (stage->n_inflight > 0 && (!r->settled || r->flushed)) {
		r->again = false;
		g_queue_push_tail(&stage->draining, r);
		return LOOK_WAITS;
	}
	if (!r->settled) {
		r->n_passes++;
		r->n_left = stage->n_left;
		r->again = true;
		return LOOK_RECEIVE;
	}
	if (stage_is_family(stage, r->caller))
		return LOOK_READY;
	/* Nobody knows whether somebody unknown is gone. */
	if (stage->unknown)
		return LOOK_READY;
	for (unsigned i = 0; i < stage->openers->len; i++)
		g_ptr_array_add(openers, step_process_ref(stage->openers->pdata[i]));
	*ret_stage = stage_ref(stage);
	return LOOK_ABANDONED;
}

/* The ids under which the kernel may hold dirty pages of a stage. */
static GArray *order_stage_ids(Fs *fs, Stage *stage)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	HOLD(&fs->lock);

	if (stage->version)
		g_array_append_val(ids, stage->version->id);
	for (unsigned i = 0; i < stage->aliases->len; i++)
		g_array_append_val(ids, ((Version *)stage->aliases->pdata[i])->id);
	return ids;
}

void order_tell(Fs *fs, Stage *stage)
{
	GArray *ids;

	{
		HOLD(&fs->lock);
		ids = g_steal_pointer(&stage->stale);
	}
	if (ids)
		request_drop_pages(fs, ids);
}

/* Nobody who opened it lives: exposes what is there. Returns false if the request waits. */
static bool order_expose_abandoned(Request *r, Stage *stage, unsigned n_openers)
{
	int error;

	if (!r->flushed) {
		r->flushed = r->again = true;
		request_flush_later(r, order_stage_ids(r->fs, stage));
		return false;
	}
	error = publish_now(r->fs, stage, n_openers, false);
	order_tell(r->fs, stage);
	if (error == 0)
		return true;
	HOLD(&r->fs->lock);
	failed_note(r->fs, stage, error);
	return true;
}

static bool order_prepare_lookup(Request *r)
{
	g_autoptr(GPtrArray) openers = step_process_array_new();
	Stage *stage = NULL;
	Fs *fs = r->fs; /* the request may be somebody else's by the time it is needed */
	bool ready = true;

	switch (order_look(r, &stage, openers)) {
	case LOOK_READY:
		return true;
	case LOOK_WAITS:
		return false;
	case LOOK_RECEIVE:
		request_wait_received(r);
		return false;
	case LOOK_ABANDONED:
		break;
	}
	if (order_is_abandoned(openers))
		ready = order_expose_abandoned(r, stage, openers->len);
	HOLD(&fs->lock);
	stage_unref(fs, stage);
	return ready;
}

/* A RELEASE may not have been received yet, or have been held back by what is in flight: as for a
 * lookup, what is in flight is waited for between two passes of the receiver. */
static bool order_prepare_fsyncdir(Request *r)
{
	{
		const Version *dir;
		HOLD(&r->fs->lock);

		dir = version_find(r->fs, request_header(r)->nodeid);
		for (GList *l = dir && r->n_passes == 1 ? r->fs->stages.head : NULL; l;
			l = l->next) {
			Stage *stage = l->data;

			if (stage->n_inflight == 0 || !order_is_in(r, dir->node, stage) ||
				stage->version->id <= r->drained)
				continue;
			r->drained = stage->version->id;
			r->again = false;
			g_queue_push_tail(&stage->draining, r);
			return false;
		}
	}
	if (r->n_passes == 2)
		return true;
	r->n_passes++;
	r->again = true;
	request_wait_received(r);
	return false;
}

/* Whether the journal may have to tell who asked for it. */
static bool order_is_told_of(const Request *r)
{
	const struct fuse_open_in *open = request_body(r);
	const struct fuse_setattr_in *setattr = request_body(r);

	switch (request_header(r)->opcode) {
	case FUSE_OPEN:
		return open_writes(open);
	case FUSE_SETATTR:
		return setattr->valid & FATTR_SIZE;
	case FUSE_CREATE:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SYMLINK:
		return true;
	}
	return false;
}

bool order_glance(Request *r)
{
	r->caller = step_process_known(r->fs->steps, (pid_t)request_header(r)->pid);
	if (r->caller && order_is_told_of(r) && !step_has_arguments(r->caller))
		r->caller = step_process_unref(r->caller);
	r->known = r->glances = r->caller != NULL;
	return r->known;
}

bool order_prepare(Request *r)
{
	const struct fuse_in_header *header = request_header(r);

	if (!r->known && header->pid > 0)
		(void)!step_process_new(r->fs->steps, (pid_t)header->pid, &r->caller);
	if (r->caller && order_is_told_of(r))
		step_learn_arguments(r->caller);
	r->known = true;
	if (header->opcode == FUSE_FSYNCDIR)
		return order_prepare_fsyncdir(r);
	return header->opcode != FUSE_LOOKUP || order_prepare_lookup(r);
}

static void order_wake(GQueue *waiting, bool again)
{
	Request *r;

	while ((r = g_queue_pop_head(waiting))) {
		r->again = again;
		request_requeue(r);
	}
}

void order_settle(Fs *fs, Node *node)
{
	Stage *stage;

	while ((stage = node->stage) && stage->state == STAGE_UNDECIDED) {
		if (!stage->deciding) {
			stage_set_state(fs, stage, STAGE_OPEN);
			order_next(fs, request_current()->due);
			pthread_cond_broadcast(&fs->decided);
			order_wake(&stage->parked, true);
			return;
		}
		/* Whoever decides needs nothing that this thread has. */
		request_cede(request_current());
		pthread_cond_wait(&fs->decided, &fs->lock);
	}
}

void order_next(Fs *fs, GPtrArray *due)
{
	Stage *stage = stage_next(fs);

	if (stage)
		g_ptr_array_add(due, stage_ref(stage));
}

/* Whether it is its turn. If it is not, whoever decides the last one before it sees to it; who
 * wants to write on need not wait for that. */
static bool order_is_next(Fs *fs, Stage *stage)
{
	HOLD(&fs->lock);

	if (stage_is_next(fs, stage))
		return true;
	stage->deciding = false;
	pthread_cond_broadcast(&fs->decided);
	return false;
}

/* The last step of a session: the verdict, and everybody who waited for it. What follows is added
 * to due. */
static void order_decide(Fs *fs, Stage *stage, GPtrArray *due)
{
	GQueue waiting = G_QUEUE_INIT;
	Record *record;
	bool failed;

	if (!order_is_next(fs, stage))
		return;
	record = publish_end(fs, stage);
	order_tell(fs, stage);
	{
		HOLD(&fs->lock);
		pthread_cond_broadcast(&fs->decided);
		failed = stage->state == STAGE_FAILED;
		waiting = stage->parked;
		g_queue_init(&stage->parked);
		order_next(fs, due);
	}
	order_wake(&waiting, true);
	if (failed)
		request_note_hold(fs);
	/* Nobody waits for this. */
	record_write(fs, record);
}

void order_settle_all(Fs *fs)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new(), undecided = g_ptr_array_new();
	bool waits;

	{
		HOLD(&fs->lock);
		failed_due_now(fs, due);
		waits = !fs->settling;
		fs->settling = true;
		for (GList *l = waits ? fs->stages.head : NULL; l; l = l->next)
			if (((Stage *)l->data)->state == STAGE_UNDECIDED)
				g_ptr_array_add(undecided, stage_ref(l->data));
	}
	while (due->len > 0)
		order_decide_due(fs, due);
	HOLD(&fs->lock);
	for (unsigned i = 0; i < undecided->len; i++) {
		Stage *stage = undecided->pdata[i];

		while (stage->state == STAGE_UNDECIDED && !fs->ended)
			pthread_cond_wait(&fs->decided, &fs->lock);
		stage_unref(fs, stage);
	}
	fs->settling &= !waits;
}

bool order_is_brief(Fs *fs, GPtrArray *due)
{
	/* Who writes a large file through keeps whoever has to do that waiting. */
	if (fs->options->durable || lock_is_busy(&fs->through_lock))
		return false;
	HOLD(&fs->lock);
	for (unsigned i = 0; i < due->len; i++) {
		Stage *stage = due->pdata[i];

		/* What is replaced is let go of, too. */
		if (__atomic_load_n(&stage->size, __ATOMIC_RELAXED) > ORDER_QUICK_SIZE ||
			stage->base_size > ORDER_QUICK_SIZE ||
			__atomic_load_n(&stage->shared, __ATOMIC_RELAXED) ||
			lock_is_busy(&stage->lock))
			return false;
	}
	return true;
}

void order_decide_due(Fs *fs, GPtrArray *due)
{
	const unsigned n = due->len;

	for (unsigned i = 0; i < n; i++) {
		Stage *stage = due->pdata[i];

		order_decide(fs, stage, due);
		HOLD(&fs->lock);
		stage_unref(fs, stage);
	}
	if (n > 0)
		g_ptr_array_remove_range(due, 0, n);
}

void order_done(Request *r)
{
	Fs *fs = r->fs;
	GQueue draining = G_QUEUE_INIT;

	if (r->stage) {
		HOLD(&fs->lock);
		if (stage_leave(r->stage))
			g_ptr_array_add(r->due, stage_ref(r->stage));
		if (r->stage->n_inflight == 0) {
			draining = r->stage->draining;
			g_queue_init(&r->stage->draining);
		}
		r->stage = stage_unref(fs, r->stage);
	}
	order_wake(&draining, true);
	r->caller = step_process_unref(r->caller);
}
