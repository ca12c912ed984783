/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of a request: one thread at a time receives (receive->lock), admits what it got and lets
 * the next one receive while it runs the request itself. To wake that one costs more than most
 * requests do, so what needs no more than a moment is run first (ADMIT_QUICK); if it has to wait
 * after all, or a verdict comes of it, the other is woken then. Requests that have to know who asks
 * go to a second group of threads, for reading /proc can wait for a process that exits, which can
 * wait for its last WRITE: the first group must be free to serve that. Somebody remembered can be
 * made sure of without that (ADMIT_GLANCE); what must not wait in the first group is put off then,
 * and run anew by the second.
 *
 * Receiving does not block: when there is nothing left, whoever waited for everything to be
 * received is let go, and holds that are over are ended, before the thread sleeps in poll(2). A
 * process that works on files sends its next request some microseconds after an answer, which is
 * less than it takes to fall asleep and to be woken; as long as that goes on the thread looks again
 * for a moment before it sleeps. */

#include "request.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backing.h"
#include "failed.h"
#include "former.h"
#include "kept.h"
#include "lock.h"
#include "log.h"
#include "notify.h"
#include "order.h"
#include "publish.h"
#include "request-check.h"
#include "stage-content.h"
#include "util.h"

#define N_SERVERS 4
#define N_LOOKERS 4
#define SMALL_REQUEST 8192
#define N_POOLED_MAX 8
/* How long the receiving thread looks for the next request before it sleeps, and how short its
 * sleeps have to be, by and large, for that to be worth it. */
#define WATCH_US 20
#define SHORT_SLEEP_US 50
#define N_SHORT_SLEEPS_MAX 8
/* linux/fuse.h of Debian 12 has it, libfuse 3.14 has no name for it. */
#define KILLPRIV_V2 (1u << 28)

struct Receive {
	Fs *fs;                  /* constant */
	struct fuse_session *se; /* constant */
	/* Constant while threads run. Expiring a name may wait for whoever holds its directory, and
	 * he for an answer that waits for a flush: so these are two threads. */
	Notify *entries, *inodes;
	int kick_fd;  /* constant: an eventfd that ends the sleep of whoever receives */
	int ready_fd; /* constant */
	pthread_t threads[N_SERVERS + N_LOOKERS]; /* constant while they run */
	unsigned n_threads;

	pthread_mutex_t lock; /* who receives */
	char *buffer;         /* lock: what is received into; NULL if it has been handed over */
	GPtrArray *due;       /* lock: empty between two requests */
	unsigned n_short;     /* lock: grows with short sleeps, shrinks with others */
	bool alone;    /* constant: there is one processor, and nothing comes while we look */
	bool ended;    /* lock */
	bool idle;     /* atomic: sleeps, and there are no holds that would end that soon */
	bool killpriv; /* atomic: the kernel can leave dropping of set-id bits to us */

	pthread_mutex_t queue_lock; /* a leaf */
	pthread_cond_t queue_more;
	/* all of these: queue_lock */
	GQueue queue; /* Request: to be looked at */
	GQueue gates; /* Request: wait until what is queued has been received */
	uint64_t gate;
	GQueue pool;    /* buffers to receive into, allocated by libfuse with malloc(3) */
	GQueue scratch; /* buffers to answer from */
	bool closed;
};

static _Thread_local Request *current;

Request *request_current(void)
{
	return current;
}

static Request *request_new(Fs *fs, char *buffer, size_t size, bool pooled)
{
	Request *r = g_new0(Request, 1);

	r->fs = fs;
	r->buffer = buffer;
	r->size = size;
	r->pooled = pooled;
	r->due = g_ptr_array_new();
	return r;
}

/* Takes a buffer from a pool; NULL if it is empty. */
static char *pool_take(Receive *receive, GQueue *pool)
{
	HOLD(&receive->queue_lock);

	return g_queue_pop_head(pool);
}

static void pool_give(Receive *receive, GQueue *pool, char *buffer)
{
	{
		HOLD(&receive->queue_lock);
		if (pool->length < N_POOLED_MAX) {
			g_queue_push_head(pool, buffer);
			return;
		}
	}
	free(buffer);
}

char *request_scratch_take(Fs *fs)
{
	char *buffer = pool_take(fs->receive, &fs->receive->scratch);

	if (!buffer)
		buffer = malloc(REQUEST_SCRATCH);
	if (!buffer)
		abort();
	return buffer;
}

void request_scratch_give(Fs *fs, char *buffer)
{
	pool_give(fs->receive, &fs->receive->scratch, buffer);
}

static void request_free(Request *r)
{
	if (r->pooled)
		pool_give(r->fs->receive, &r->fs->receive->pool, r->buffer);
	else
		free(r->buffer);
	g_ptr_array_unref(r->due);
	step_process_unref(r->caller);
	g_free(r);
}

void request_cede(Request *r)
{
	if (!r->quick)
		return;
	r->quick = false;
	pthread_mutex_unlock(&r->fs->receive->lock);
}

/* Reaches the verdicts that are due, and those that follow. Another thread receives meanwhile,
 * unless that would take longer to wake. */
static void request_decide_due(Request *r)
{
	while (r->due->len > 0) {
		if (!(r->quick && order_is_brief(r->fs, r->due)))
			request_cede(r);
		order_decide_due(r->fs, r->due);
	}
}

/* For the other group of threads. Returns whether the thread still receives. */
static bool request_put_off(Request *r)
{
	bool receives;

	request_decide_due(r);
	receives = r->quick;
	r->quick = r->glances = r->retry = false;
	request_requeue(r);
	return receives;
}

/* Runs an admitted request: libfuse calls one of the callbacks. A job has no request, only
 * verdicts. Returns whether the thread still receives. */
static bool request_run(Request *r)
{
	Receive *receive = r->fs->receive;
	bool init = r->buffer && request_header(r)->opcode == FUSE_INIT;
	bool receives;

	request_decide_due(r);
	if (r->buffer) {
		struct fuse_buf buf = {.mem = r->buffer, .size = r->size};

		current = r;
		fuse_session_process_buf(receive->se, &buf);
		current = NULL;
	}
	if (r->retry)
		return request_put_off(r);
	order_done(r);
	request_decide_due(r);
	receives = r->quick;
	request_free(r);
	if (init)
		(void)!write(receive->ready_fd, &(uint64_t){1}, sizeof(uint64_t));
	return receives;
}

void request_requeue(Request *r)
{
	Receive *receive = r->fs->receive;
	HOLD(&receive->queue_lock);

	g_queue_push_tail(&receive->queue, r);
	pthread_cond_signal(&receive->queue_more);
}

static void receive_kick(Receive *receive)
{
	(void)!write(receive->kick_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void request_note_hold(Fs *fs)
{
	if (__atomic_exchange_n(&fs->receive->idle, false, __ATOMIC_SEQ_CST))
		receive_kick(fs->receive);
}

void request_wait_received(Request *r)
{
	Receive *receive = r->fs->receive;

	{
		HOLD(&receive->queue_lock);
		r->gate = ++receive->gate;
		g_queue_push_tail(&receive->gates, r);
	}
	receive_kick(receive);
}

void request_flush(Fs *fs, uint64_t id)
{
	/* Gone already, or nothing dirty: as good as flushed. */
	(void)!fuse_lowlevel_notify_inval_inode(fs->receive->se, id, 0, 0);
}

static void flushed(void *data)
{
	request_requeue(data);
}

void request_flush_later(Request *r, GArray *ids)
{
	notify_flush(r->fs->receive->inodes, ids, flushed, r);
}

void request_drop_pages(Fs *fs, GArray *ids)
{
	notify_flush(fs->receive->inodes, ids, NULL, NULL);
}

void request_store_tail(Fs *fs, uint64_t id, Stage *stage)
{
	off_t size = __atomic_load_n(&stage->size, __ATOMIC_RELAXED);
	struct fuse_bufvec tail = FUSE_BUFVEC_INIT(1);
	size_t n = 0;
	char byte;

	if (size == 0 || stage_read(fs, stage, &byte, 1, size - 1, &n) < 0 || n != 1)
		return;
	tail.buf[0].mem = &byte;
	(void)!fuse_lowlevel_notify_store(fs->receive->se, id, size - 1, &tail, 0);
}

void request_expire(Fs *fs, Node *node)
{
	if (node->linked && node->parent && node->parent->exposed)
		notify_entry(fs->receive->entries, node->parent->exposed->id, node->name);
}

void request_refresh(Fs *fs, const Version *version)
{
	notify_attributes(fs->receive->inodes, version->id);
}

void request_forget_attributes(Fs *fs, uint64_t id)
{
	(void)!fuse_lowlevel_notify_inval_inode(fs->receive->se, id, -1, 0);
}

static bool receive_has_gates(Receive *receive)
{
	HOLD(&receive->queue_lock);

	return receive->gates.length > 0;
}

static uint64_t receive_gate(Receive *receive)
{
	HOLD(&receive->queue_lock);

	return receive->gate;
}

/* Nothing is queued any more: lets go whoever came before the last look. */
static void receive_open_gates(Receive *receive, uint64_t gate)
{
	HOLD(&receive->queue_lock);

	while (receive->gates.length > 0 &&
		((Request *)g_queue_peek_head(&receive->gates))->gate <= gate) {
		g_queue_push_tail(&receive->queue, g_queue_pop_head(&receive->gates));
		pthread_cond_signal(&receive->queue_more);
	}
}

/* Waits until one of the two can be read, or for so many milliseconds (-1: without an end). */
static void receive_poll(Receive *receive, struct pollfd fds[static 2], int timeout)
{
	const bool watches = receive->n_short >= N_SHORT_SLEEPS_MAX / 2 && !receive->alone;
	const int64_t began = g_get_monotonic_time();
	int n;

	do
		n = poll(fds, 2, 0);
	while (n == 0 && watches && g_get_monotonic_time() < began + WATCH_US);
	if (n == 0)
		poll(fds, 2, timeout);
	if (g_get_monotonic_time() > began + SHORT_SLEEP_US)
		receive->n_short -= receive->n_short > 0;
	else if (receive->n_short < N_SHORT_SLEEPS_MAX)
		receive->n_short++;
}

/* Sleeps until there is a request, a kick, or a hold is over. Returns a job if verdicts are due. */
static Request *receive_sleep(Receive *receive, uint64_t gate)
{
	struct pollfd fds[2] = {
		{.fd = fuse_session_fd(receive->se), .events = POLLIN},
		{.fd = receive->kick_fd, .events = POLLIN},
	};
	Request *job = request_new(receive->fs, NULL, 0, false);
	int64_t now = g_get_monotonic_time(), next, retry;
	bool holds;
	uint64_t n;

	{
		HOLD(&receive->fs->lock);
		next = pin_expire(receive->fs, now, job->due);
		retry = failed_due(receive->fs, now, job->due);
		node_expire_kept(receive->fs, now);
	}
	holds = next >= 0;
	if (retry >= 0 && (next < 0 || retry < next))
		next = retry;
	/* What is due now must be seen by whoever is let go. */
	receive_open_gates(receive, gate);
	if (job->due->len > 0)
		return job;
	request_free(job);
	__atomic_store_n(&receive->idle, !holds, __ATOMIC_SEQ_CST);
	receive_poll(receive, fds, next < 0 ? -1 : (int)MAX(1, (next - now + 999) / 1000));
	__atomic_store_n(&receive->idle, false, __ATOMIC_SEQ_CST);
	if (fds[1].revents)
		(void)!read(receive->kick_fd, &n, sizeof(n));
	return NULL;
}

/* Makes a request of what has been received: a small one gets a copy, a large one the buffer. */
static Request *receive_take(Receive *receive, size_t size)
{
	char *copy;

	if (size > SMALL_REQUEST)
		return request_new(receive->fs, g_steal_pointer(&receive->buffer), size, true);
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, receive->buffer, size);
	return request_new(receive->fs, copy, size, false);
}

/* libfuse 3.14 does not know of files without names, and would say so to the kernel for good. What
 * is asked and answered is the same as for CREATE. */
static void receive_note_tmpfile(Request *r)
{
	struct fuse_in_header *header = (struct fuse_in_header *)r->buffer;

	if (header->opcode != FUSE_TMPFILE)
		return;
	header->opcode = FUSE_CREATE;
	r->nameless = true;
}

static void receive_note_init(Receive *receive, const Request *r)
{
	const struct fuse_init_in *in = request_body(r);

	if (request_header(r)->opcode != FUSE_INIT)
		return;
	__atomic_store_n(&receive->killpriv, (in->flags & KILLPRIV_V2) != 0, __ATOMIC_RELAXED);
	/* What is agreed upon now decides how large libfuse makes the next one. */
	g_clear_pointer(&receive->buffer, free);
}

/* What no kernel sends is answered at once, if it is to be answered. Returns whether it was. */
static bool receive_refuse(Receive *receive, const Request *r)
{
	const struct fuse_in_header *header = request_header(r);
	const struct fuse_out_header out = {
		.len = sizeof(out),
		.error = request_check(header, r->size),
		.unique = header->unique,
	};

	if (out.error < 0 && header->opcode != FUSE_FORGET && header->opcode != FUSE_BATCH_FORGET &&
		header->opcode != FUSE_INTERRUPT)
		(void)!write(fuse_session_fd(receive->se), &out, sizeof(out));
	return out.error < 0;
}

/* Admits what has been received. Returns what this thread is to run: the request, or a job if the
 * request is somebody else's by now and verdicts are due, or NULL. */
static Request *receive_admit(Receive *receive, Request *r)
{
	Admission admission = order_admit(r, receive->due);

	if (admission == ADMIT_GLANCE)
		admission = order_glance(r) ? ADMIT_QUICK : ADMIT_LOOK;
	if (admission == ADMIT_LOOK)
		request_requeue(r);
	if (admission != ADMIT_RUN && admission != ADMIT_QUICK)
		r = receive->due->len > 0 ? request_new(receive->fs, NULL, 0, false) : NULL;
	/* Two arrays change places: the one of the request is empty. */
	if (r && receive->due->len > 0) {
		GPtrArray *due = r->due;

		r->due = receive->due;
		receive->due = due;
	}
	/* Who waits for all to be received waits longer for one thread that answers than for
	 * several. */
	if (r)
		r->quick =
			admission == ADMIT_QUICK && r->due->len == 0 && !receive_has_gates(receive);
	return r;
}

/* Receives, with receive->lock held, until there is a request that this thread is to run, then
 * perhaps without; NULL when the connection has ended. */
static Request *receive_next(Receive *receive)
{
	while (!receive->ended) {
		uint64_t gate = receive_gate(receive);
		struct fuse_buf buf = {.mem = receive->buffer};
		Request *r;
		int n;

		if (!buf.mem)
			buf.mem = pool_take(receive, &receive->pool);
		n = fuse_session_receive_buf(receive->se, &buf);
		receive->buffer = buf.mem;
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) {
			r = receive_sleep(receive, gate);
			if (r)
				return r;
			continue;
		}
		if (n <= 0) {
			receive->ended = true;
			break;
		}
		r = receive_take(receive, (size_t)n);
		if (receive_refuse(receive, r)) {
			request_free(r);
			continue;
		}
		receive_note_init(receive, r);
		receive_note_tmpfile(r);
		r = receive_admit(receive, r);
		if (r)
			return r;
	}
	return NULL;
}

static void *server_run(void *data)
{
	Receive *receive = data;
	bool receives = false;
	Request *r;

	for (;;) {
		if (!receives)
			pthread_mutex_lock(&receive->lock);
		r = receive_next(receive);
		if (!r || !r->quick)
			pthread_mutex_unlock(&receive->lock);
		if (!r)
			break;
		receives = request_run(r);
	}
	{
		HOLD(&receive->queue_lock);
		receive->closed = true;
		pthread_cond_broadcast(&receive->queue_more);
	}
	/* Whoever waits for verdicts may wait for a request that nobody is going to run. */
	HOLD(&receive->fs->lock);
	receive->fs->ended = true;
	pthread_cond_broadcast(&receive->fs->decided);
	return NULL;
}

static Request *look_next(Receive *receive)
{
	HOLD(&receive->queue_lock);

	while (receive->queue.length == 0 && !receive->closed)
		pthread_cond_wait(&receive->queue_more, &receive->queue_lock);
	return receive->closed ? NULL : g_queue_pop_head(&receive->queue);
}

static void *look_run(void *data)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	Receive *receive = data;
	Request *r;

	while ((r = look_next(receive))) {
		Admission admission = r->again ? order_admit(r, due) : ADMIT_LOOK;

		while (due->len > 0)
			order_decide_due(receive->fs, due);
		if (admission == ADMIT_PARKED)
			continue;
		if (admission == ADMIT_RUN || admission == ADMIT_QUICK || order_prepare(r))
			(void)request_run(r);
	}
	return NULL;
}

static ssize_t io_read(int fd, void *buffer, size_t size, void *data G_GNUC_UNUSED)
{
	return read(fd, buffer, size);
}

/* The answer to INIT is told from others by its size: it has 16 bytes of header and this struct. */
static ssize_t io_writev(int fd, struct iovec *iov, int count, void *data)
{
	Fs *fs = data;

	if (count == 2 && iov[1].iov_len == sizeof(struct fuse_init_out) &&
		__atomic_exchange_n(&fs->receive->killpriv, false, __ATOMIC_RELAXED)) {
		struct fuse_init_out *out = iov[1].iov_base;

		out->flags |= KILLPRIV_V2;
	}
	return writev(fd, iov, count);
}

static void init(void *data, struct fuse_conn_info *conn)
{
	const Fs *fs = data;
	const unsigned want = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC |
			      FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_PARALLEL_DIROPS |
			      FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_DONT_MASK;
	/* Splicing saves no copy here; readdirplus can bring back old versions. After
	 * an asynchronous direct write the kernel does not drop the pages that somebody has read
	 * meanwhile, as it does after another one. */
	const unsigned avoid = FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
			       FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
			       FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_HANDLE_KILLPRIV |
			       FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_ASYNC_DIO;

	conn->want |= conn->capable & want;
	conn->want &= ~avoid;
	/* Then the kernel obeys ACLs, and asks whether there is one at each first look of somebody
	 * who is not the owner. Where nobody but root gets in, who need not obey, that is in vain.
	 */
	if (fs->options->others || geteuid() != 0)
		conn->want |= conn->capable & FUSE_CAP_POSIX_ACL;
	if (!fs->options->posix_locks)
		conn->want &= ~(unsigned)FUSE_CAP_POSIX_LOCKS;
	conn->time_gran = 1;
	/* A RELEASE is a background request: it must not wait behind reads that are read ahead. */
	conn->max_background = 1024;
	conn->congestion_threshold = 768;
}

const struct fuse_lowlevel_ops request_ops = {
	.init = init,
	.lookup = request_lookup,
	.forget = request_forget,
	.forget_multi = request_forget_multi,
	.getattr = request_getattr,
	.setattr = request_setattr,
	.readlink = request_readlink,
	.mknod = request_mknod,
	.mkdir = request_mkdir,
	.symlink = request_symlink,
	.unlink = request_unlink,
	.rmdir = request_rmdir,
	.rename = request_rename,
	.link = request_link,
	.open = request_open,
	.create = request_create,
	.read = request_read,
	.write = request_write,
	.fsync = request_fsync,
	.fallocate = request_fallocate,
	.lseek = request_lseek,
	.release = request_release,
	.flock = request_flock,
	.getlk = request_getlk,
	.setlk = request_setlk,
	.flush = request_close,
	.opendir = request_opendir,
	.readdir = request_readdir,
	.releasedir = request_releasedir,
	.fsyncdir = request_fsyncdir,
	.statfs = request_statfs,
	.setxattr = request_setxattr,
	.getxattr = request_getxattr,
	.listxattr = request_listxattr,
	.removexattr = request_removexattr,
};

static int receive_start_threads(Receive *receive)
{
	for (unsigned i = 0; i < N_SERVERS + N_LOOKERS; i++) {
		int r = pthread_create(
			&receive->threads[i], NULL, i < N_SERVERS ? server_run : look_run, receive);

		if (r > 0)
			return -r;
		receive->n_threads++;
	}
	return 0;
}

int request_start(Fs *fs, struct fuse_session *se, int ready_fd)
{
	static const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	int fd = fuse_session_fd(se), r;
	Receive *receive;

	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	r = fuse_session_custom_io(se, &io, fd);
	if (r < 0)
		return r;
	receive = g_new0(Receive, 1);
	receive->fs = fs;
	receive->se = se;
	receive->ready_fd = ready_fd;
	receive->due = g_ptr_array_new();
	receive->alone = g_get_num_processors() == 1;
	receive->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&receive->lock, NULL);
	pthread_mutex_init(&receive->queue_lock, NULL);
	pthread_cond_init(&receive->queue_more, NULL);
	g_queue_init(&receive->queue);
	g_queue_init(&receive->gates);
	g_queue_init(&receive->pool);
	g_queue_init(&receive->scratch);
	fs->receive = receive;
	if (receive->kick_fd < 0)
		return -errno;
	r = notify_new(se, &receive->entries);
	if (r == 0)
		r = notify_new(se, &receive->inodes);
	if (r < 0)
		return r;
	return receive_start_threads(receive);
}

/* Requests that still wait have nobody to be answered to. */
static void receive_drop(GQueue *queue)
{
	Request *r;

	while ((r = g_queue_pop_head(queue))) {
		order_done(r);
		for (unsigned i = 0; i < r->due->len; i++) {
			HOLD(&r->fs->lock);
			stage_unref(r->fs, r->due->pdata[i]);
		}
		request_free(r);
	}
}

void request_join(Fs *fs)
{
	Receive *receive = fs->receive;

	if (!receive)
		return;
	for (unsigned i = 0; i < receive->n_threads; i++)
		pthread_join(receive->threads[i], NULL);
	receive->entries = notify_free(receive->entries);
	receive->inodes = notify_free(receive->inodes);
	receive_drop(&receive->queue);
	receive_drop(&receive->gates);
}

static void finish_stage(Fs *fs, Stage *stage, bool aborted, int *r)
{
	bool lost;

	{
		HOLD(&fs->lock);
		lost = aborted && stage->state == STAGE_OPEN;
	}
	if (!lost) {
		record_write(fs, publish_end(fs, stage));
		HOLD(&fs->lock);
		lost = stage->state == STAGE_FAILED;
	}
	if (lost && publish_save(fs, stage) < 0)
		*r = -EIO;
}

int fs_finish(Fs *fs, bool aborted)
{
	Receive *receive = fs->receive;
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	g_autoptr(GPtrArray) stages = g_ptr_array_new();
	int r = 0;

	{
		HOLD(&fs->lock);
		pin_drop_all(fs, due);
		for (GList *l = fs->undecided.head; l; l = l->next)
			g_ptr_array_add(stages, stage_ref(l->data));
		for (GList *l = fs->stages.head; l; l = l->next)
			if (((Stage *)l->data)->state != STAGE_UNDECIDED)
				g_ptr_array_add(stages, stage_ref(l->data));
	}
	for (unsigned i = 0; i < stages->len; i++) {
		Stage *stage = stages->pdata[i];

		receive_drop(&stage->parked);
		receive_drop(&stage->draining);
		if (stage->state != STAGE_DONE)
			finish_stage(fs, stage, aborted, &r);
		HOLD(&fs->lock);
		stage_unref(fs, stage);
	}
	for (unsigned i = 0; i < due->len; i++) {
		HOLD(&fs->lock);
		stage_unref(fs, due->pdata[i]);
	}
	if (fs->n_incomplete > 0)
		r = -EIO;
	lock_end(fs);
	request_drop_handles(fs);
	request_drop_listings(fs);
	if (receive) {
		char *buffer;

		while ((buffer = g_queue_pop_head(&receive->pool)))
			free(buffer);
		while ((buffer = g_queue_pop_head(&receive->scratch)))
			free(buffer);
		free(receive->buffer);
		g_ptr_array_unref(receive->due);
		close(receive->kick_fd);
		pthread_mutex_destroy(&receive->lock);
		pthread_mutex_destroy(&receive->queue_lock);
		pthread_cond_destroy(&receive->queue_more);
		g_clear_pointer(&fs->receive, g_free);
	}
	return r;
}

void request_close_idle(Node *node)
{
	Request *r = request_current();

	if (node->stage && stage_close(r->fs, node->stage))
		g_ptr_array_add(r->due, stage_ref(node->stage));
}

void request_reply(fuse_req_t req, int r)
{
	fuse_reply_err(req, -r);
}

/* The numbers of devices and of files have 32 bits each, but for files of very large file systems.
 */
ino_t request_number(const Fs *fs, dev_t dev, ino_t ino)
{
	return ino ^ (ino_t)(dev ^ fs->root_dev) << 32;
}

static struct stat tell(const Fs *fs, const struct stat *st)
{
	struct stat told = *st;

	told.st_ino = request_number(fs, st->st_dev, st->st_ino);
	return told;
}

int request_reply_attr(fuse_req_t req, const struct stat *st, double timeout)
{
	struct stat told = tell(request_fs(req), st);

	return fuse_reply_attr(req, &told, timeout);
}

bool request_is_cached(const Fs *fs, const struct stat *st)
{
	/* Another name may change the bytes of this inode (P14), and its attributes: each name has
	 * an id of its own. So may a session whose name has gone. */
	return S_ISDIR(st->st_mode) || (st->st_nlink < 2 && !stage_is_shared(fs, st->st_ino));
}

void request_entry(Fs *fs, Version *version, const struct stat *st, bool cached,
	struct fuse_entry_param *entry)
{
	bool attributes = request_is_cached(fs, st);

	version->n_lookups++;
	version->alone = 0;
	version_tell(version, st);
	version->node->cached |= cached && attributes && fs->options->entry_timeout > 0;
	*entry = (struct fuse_entry_param){
		.ino = version->id,
		.attr = tell(fs, st),
		.attr_timeout = attributes ? fs->options->attr_timeout : 0,
		.entry_timeout = cached && attributes ? fs->options->entry_timeout : 0,
	};
}

void request_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
	Fs *fs = request_fs(req);
	Version *version;

	if (fuse_reply_entry(req, entry) != -ENOENT || !entry->ino)
		return;
	HOLD(&fs->lock);
	version = version_find(fs, entry->ino);
	if (version)
		version_forget(fs, version, 1);
}

/* The journal tells of names, bytes and commands that not everybody may see. */
static mode_t special_mode(Special special)
{
	if (special == SPECIAL_DIR)
		return S_IFDIR | 0555;
	return S_IFREG | (special == SPECIAL_JOURNAL ? 0400 : 0444);
}

void request_special_stat(const Fs *fs, const Node *node, struct stat *ret_stat)
{
	*ret_stat = (struct stat){
		.st_dev = fs->root_dev,
		.st_ino = UINT32_MAX - node->special,
		.st_mode = special_mode(node->special),
		.st_nlink = node->special == SPECIAL_DIR ? 2 : 1,
		.st_uid = geteuid(),
		.st_gid = getegid(),
	};
}

void request_hide_links(const Fs *fs, struct stat *st)
{
	st->st_nlink = kept_n_links(fs, st);
}

static int stat_stage(const Fs *fs, const Stage *stage, struct stat *ret_stat)
{
	int r = stage_stat(stage, ret_stat);

	if (r == 0)
		request_hide_links(fs, ret_stat);
	return r;
}

/* The file has no name any more, but is open: any of its handles tells. */
static int stat_by_handle(const Fs *fs, const Version *version, struct stat *ret_stat)
{
	const Handle *handle = version->handles;

	while (handle && !handle->stage && handle->fd < 0)
		handle = handle->next;
	if (!handle)
		return -ESTALE;
	if (handle->stage)
		return stat_stage(fs, handle->stage, ret_stat);
	if (fstat(handle->fd, ret_stat) < 0)
		return -errno;
	request_hide_links(fs, ret_stat);
	return 0;
}

/* The root has a directory more than anybody can see. */
static int stat_root(Fs *fs, struct stat *ret_stat)
{
	if (fstat(fs->root_fd, ret_stat) < 0)
		return -errno;
	if (store_is_made(fs) && ret_stat->st_nlink > 2)
		ret_stat->st_nlink--;
	return 0;
}

int request_stat(Fs *fs, Version *version, struct stat *ret_stat)
{
	Node *node = version->node;
	const Stage *stage;
	int r;

	if (node->special) {
		request_special_stat(fs, node, ret_stat);
		return 0;
	}
	stage = stage_of(version);
	if (stage)
		return stat_stage(fs, stage, ret_stat);
	if (node == fs->root)
		return stat_root(fs, ret_stat);
	if (version->handles && (version->state == VERSION_SUPERSEDED || !node->linked))
		return stat_by_handle(fs, version, ret_stat);
	/* An error would use up the one repetition that a call gets whose file is replaced
	 * meanwhile. */
	if (!node->linked)
		return version_gone_stat(version, ret_stat);
	r = node_stat(fs, node, ret_stat);
	if (r < 0)
		return r;
	if ((ret_stat->st_mode & S_IFMT) != version->type || !node_is_still(node, ret_stat))
		return -ESTALE;
	request_hide_links(fs, ret_stat);
	node_tell(node, ret_stat);
	return 0;
}
