/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes. Mode, owner and extended attributes are immediate (P12), also those of a file that is
 * being written: they belong to the name, not to one of its contents, and are carried over at the
 * exposure.
 *
 * Times are told apart by who sets them (P11). With the writeback cache the kernel keeps mtime and
 * ctime of regular files itself and reports them before the last close, with a handle; a user's
 * utimens never has one. What the kernel remembers of a time that was refused, or that the backing
 * stamped with its own clock, cannot be corrected: the file then gets a new id, and the name must
 * not be cached. So such a call is answered ESTALE once, and comes again with a name that is not.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "former.h"
#include "held.h"
#include "kept.h"
#include "order.h"
#include "proc.h"
#include "request.h"
#include "stage-content.h"
#include "stamp.h"
#include "util.h"

#define SET_TIMES                                                                                  \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |                     \
		FUSE_SET_ATTR_MTIME_NOW)

/* How long the kernel may keep these attributes, in seconds; what we make up changes with each
 * look. */
static double attr_timeout(const Fs *fs, const Version *version, const struct stat *st)
{
	bool cached = request_is_cached(fs, st) && !version->node->special;

	return cached ? fs->options->attr_timeout : 0;
}

void request_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi G_GNUC_UNUSED)
{
	Fs *fs = request_fs(req);
	double timeout = 0;
	struct stat st;
	int r = -ESTALE;

	{
		Version *version;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (version)
			r = request_stat(fs, version, &st);
		if (r == 0) {
			/* The kernel passes over the ctime here. */
			const struct timespec ctime = version->ctime;

			version_tell(version, &st);
			version->ctime = ctime;
			timeout = version->node->linked ? attr_timeout(fs, version, &st) : 0;
		}
	}
	if (r < 0)
		request_reply(req, r);
	else
		request_reply_attr(req, &st, timeout);
}

/* Whether it has the owner that the kernel was told, for that is who may change its attributes. */
static bool attr_is_owner_told(const Version *version, int fd)
{
	struct stat st;

	return request_is_trusted() || (fstat(fd, &st) == 0 && st.st_uid == version->uid);
}

int request_attr_target(Fs *fs, Version *version, int *ret_fd)
{
	Node *node = version->node;
	const Stage *stage;
	autofd fd = -1;
	int dir_fd, r;

	if (node->special)
		return -EPERM;
	if (node == fs->root)
		return backing_open_path(fs->root_fd, ".", ret_fd);
	stage = stage_of(version);
	if (stage && stage->is_new) {
		*ret_fd = fcntl(stage->fd, F_DUPFD_CLOEXEC, 0);
		return *ret_fd < 0 ? -errno : 0;
	}
	if (node->linked) {
		r = node_parent_fd(fs, node, &dir_fd);
		if (r == 0)
			r = backing_open_path(dir_fd, node->name, &fd);
		if (r == 0 && !attr_is_owner_told(version, fd))
			r = -ESTALE;
		if (r == 0)
			*ret_fd = fd_steal(&fd);
		return r;
	}
	for (const Handle *handle = version->handles; handle; handle = handle->next) {
		int open_fd = handle->fd;

		if (handle->stage)
			open_fd =
				handle->stage->is_new ? handle->stage->fd : handle->stage->base_fd;
		if (open_fd >= 0) {
			*ret_fd = fcntl(open_fd, F_DUPFD_CLOEXEC, 0);
			return *ret_fd < 0 ? -errno : 0;
		}
	}
	return -ESTALE;
}

void request_attr_release(Fs *fs, const Version *version, int fd)
{
	struct stat st;

	if (!version->node->linked && fstat(fd, &st) == 0)
		former_release(fs, &st);
}

void request_attr_changed(Fs *fs, Version *version)
{
	Version *exposed = version->node->exposed;

	if (exposed && exposed != version)
		request_refresh(fs, exposed);
	if (version->node->stage && version->node->stage->version &&
		version->node->stage->version != version)
		request_refresh(fs, version->node->stage->version);
}

int request_attr_uncache(Fs *fs, Version *version)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	Pin *pin = pin_find(fs, tid);
	bool promised = pin_is_for(pin, PIN_TIMES, version->node);

	if (version->state != VERSION_EXPOSED || version->type != S_IFREG)
		return 0;
	if (tid > 0 && !version->handles && !promised) {
		pin_set(fs, tid, PIN_TIMES, version->node, current->caller, current->due);
		return -ESTALE;
	}
	if (promised)
		pin_drop(fs, pin, current->due);
	/* Others may have looked the name up in between, and cached it. */
	request_expire(fs, version->node);
	version_supersede(fs, version);
	return 0;
}

/* Whether that is the mode and the owner already, and setting them would drop nothing. */
static bool owner_and_mode_are_so(int fd, const struct stat *attr, int to_set)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if ((to_set & FUSE_SET_ATTR_MODE) && (st.st_mode & 07777) != (attr->st_mode & 07777))
		return false;
	if (!(to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		return true;
	return !(st.st_mode & (S_ISUID | S_ISGID)) &&
	       (!(to_set & FUSE_SET_ATTR_UID) || st.st_uid == attr->st_uid) &&
	       (!(to_set & FUSE_SET_ATTR_GID) || st.st_gid == attr->st_gid);
}

static int set_owner_and_mode(Fs *fs, Version *version, const struct stat *attr, int to_set)
{
	Stage *stage = version->node->stage;
	autofd fd = -1;
	int r;

	r = request_attr_target(fs, version, &fd);
	if (r < 0)
		return r;
	/* Bits that are set after the file was written stay. */
	if (stage && (to_set & FUSE_SET_ATTR_MODE))
		stage->drop_set_id = false;
	/* The kernel moves its ctime all the same. */
	if (owner_and_mode_are_so(fd, attr, to_set))
		return request_attr_uncache(fs, version);
	request_attr_release(fs, version, fd);
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		r = backing_chown(fd, to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1,
			to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1);
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = backing_chmod(fd, attr->st_mode);
	request_attr_changed(fs, version);
	return r;
}

/* utimens(NULL) and UTIME_NOW arrive as the kernel's own idea of now, which is its ctime as well.
 */
static bool mtime_is_now(const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		return true;
	return (to_set & FUSE_SET_ATTR_CTIME) && time_equal(&attr->st_mtim, &attr->st_ctim);
}

static void times_wanted(const struct stat *attr, int to_set, struct timespec times[static 2])
{
	times[0] = times[1] = (struct timespec){.tv_nsec = UTIME_OMIT};
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (!(to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
		return;
	if (mtime_is_now(attr, to_set))
		times[1].tv_nsec = UTIME_NOW;
	else
		times[1] = attr->st_mtim;
}

/* Sets times of the file that the backing has under this name. */
static int set_backing_times(
	Fs *fs, Node *node, const struct timespec times[static 2], struct stat *ret_stat)
{
	int dir_fd, r;

	if (node == fs->root) {
		r = stamp_set(fs->root_fd, ".", times);
		return r < 0 || fstat(fs->root_fd, ret_stat) == 0 ? r : -errno;
	}
	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	r = stamp_set(dir_fd, node->name, times);
	if (r < 0)
		return r;
	return backing_stat(dir_fd, node->name, ret_stat);
}

/* The same for a file that has no name any more. */
static int set_open_times(
	Fs *fs, int fd, const struct timespec times[static 2], struct stat *ret_stat)
{
	int r;

	if (fstat(fd, ret_stat) < 0)
		return -errno;
	/* It cannot come back with other times; and if it has come back, it is not ours any more.
	 */
	former_release(fs, ret_stat);
	if (fstat(fd, ret_stat) < 0)
		return -errno;
	if (ret_stat->st_nlink > 0) {
		if (times[1].tv_nsec != UTIME_OMIT && times[1].tv_nsec != UTIME_NOW)
			ret_stat->st_mtim = times[1];
		return 0;
	}
	r = stamp_set_open(fd, times);
	return r < 0 || fstat(fd, ret_stat) == 0 ? r : -errno;
}

/* The kernel reports what it has kept itself. */
static void report_times(Stage *stage, const struct stat *attr, int to_set)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, attr->st_mtim};

	if (to_set & FUSE_SET_ATTR_CTIME)
		stage->told_ctime = attr->st_ctim;
	if (!(to_set & FUSE_SET_ATTR_MTIME) || time_equal(&stage->mtime, &attr->st_mtim))
		return;
	stage->mtime = attr->st_mtim;
	stage->times_set = false; /* something was written after the times were set */
	if (stage->is_new)
		(void)!stamp_set_open(stage->fd, times);
}

/* Whether a time that is set within a session is more than what cp -p carries over (P11). */
static bool times_are_new(const Stage *stage, const struct stat *attr, int to_set)
{
	return mtime_is_now(attr, to_set) || !time_before(&attr->st_mtim, &stage->began);
}

/* A user sets times of a file that is being written. */
static int set_staged_times(Fs *fs, Stage *stage, const struct stat *attr, int to_set)
{
	struct timespec times[2];
	struct stat st;
	int r;

	times_wanted(attr, to_set, times);
	if (to_set & FUSE_SET_ATTR_CTIME)
		stage->told_ctime = attr->st_ctim;
	if (stage->is_new) {
		/* What the kernel says from now on is what it sent, not what our clock says. */
		if (to_set & FUSE_SET_ATTR_MTIME) {
			stage->mtime = times[1] = attr->st_mtim;
			stage->touched = times_are_new(stage, attr, to_set);
		}
		return stamp_set_open(stage->fd, times);
	}
	if (!__atomic_load_n(&stage->dirty, __ATOMIC_RELAXED)) {
		/* Nothing was written: no session (P11). The name may be another file's by now. */
		former_forget_node(fs, stage->node);
		if (stage->node->linked)
			r = set_backing_times(fs, stage->node, times, &st);
		else
			r = set_open_times(fs, stage->base_fd, times, &st);
		if (r < 0)
			return r;
		stage->mtime = st.st_mtim;
		kept_note_mtime(fs, &st);
		if (times[1].tv_nsec != UTIME_OMIT)
			held_forget(fs, &st);
		node_supersede(fs, stage->node);
		return 0;
	}
	if (times[1].tv_nsec == UTIME_OMIT)
		return 0;
	stage->times_set = times[1].tv_nsec != UTIME_NOW;
	stage->mtime = attr->st_mtim;
	stage->touched = times_are_new(stage, attr, to_set);
	return 0;
}

/* Whether these times belong to an unchanged rewrite that the same process has just ended (P11). */
static bool times_belong_to_kept(
	const Node *node, const Process *caller, const struct timespec times[static 2])
{
	const NodeMore *more = node_more(node);

	if (!more->kept_by || g_get_monotonic_time() > more->kept_until)
		return false;
	if (times[1].tv_nsec == UTIME_NOW || times[1].tv_nsec == UTIME_OMIT)
		return false;
	return step_process_equal(more->kept_by, caller) &&
	       time_before(&times[1], &more->kept_began);
}

/* An audit: times that would leave no trace are obeyed. */
static int set_audited_times(Fs *fs, Version *version, const struct timespec times[static 2])
{
	Node *node = version->node;
	struct timespec mtime;
	struct stat st;
	int r;

	r = node_stat(fs, node, &st);
	if (r < 0)
		return r;
	mtime = audit_mtime(fs, &st);
	r = set_backing_times(fs, node, times, &st);
	if (r < 0)
		return r;
	kept_note_mtime(fs, &st);
	audit_note(fs, &st, &mtime);
	inputs_wrote(fs->inputs, request_current()->caller, &st);
	version_identify(version, &st);
	return 0;
}

/* A user sets times of a file that nobody writes. */
static int set_exposed_times(Fs *fs, Version *version, const struct stat *attr, int to_set)
{
	Node *node = version->node;
	struct timespec times[2];
	struct stat st;
	bool belongs;
	int r = 0;

	times_wanted(attr, to_set, times);
	belongs = times_belong_to_kept(node, request_current()->caller, times);
	if (belongs && fs->audit)
		return set_audited_times(fs, version, times);
	if (belongs || times[1].tv_nsec == UTIME_NOW)
		r = request_attr_uncache(fs, version);
	if (r < 0 || belongs)
		return r;
	r = set_backing_times(fs, node, times, &st);
	if (r < 0)
		return r;
	/* What has been asked for must not be undone by an older time. */
	former_forget_node(fs, node);
	kept_note_mtime(fs, &st);
	if (times[1].tv_nsec != UTIME_OMIT)
		held_forget(fs, &st);
	version_identify(version, &st);
	node_forget_kept(node);
	return 0;
}

/* The kernel has given an exposed file a ctime of its own, as it does after a rename, and will have
 * forgotten it when it forgets the inode (P6). */
static void report_ctime(Fs *fs, Node *node, const struct stat *attr)
{
	struct stat st;

	if (node_stat(fs, node, &st) == 0)
		node_remember_ctime(fs, node, &st, &attr->st_ctim);
}

/* Whether a superseded version is what the name shows still, under another id: the kernel's memory
 * of that is to expire, and it has not come to it yet. */
static bool version_has_file(Fs *fs, const Version *version)
{
	struct stat st;

	return node_stat(fs, version->node, &st) == 0 && (st.st_mode & S_IFMT) == version->type &&
	       st.st_ino == version->ino;
}

static int set_times(Fs *fs, Version *version, const struct stat *attr, int to_set, bool report)
{
	Stage *stage = stage_of(version);

	if (stage && report) {
		report_times(stage, attr, to_set);
		return 0;
	}
	if (stage)
		return set_staged_times(fs, stage, attr, to_set);
	if (!version->node->linked || (version->state == VERSION_SUPERSEDED &&
					      (report || !version_has_file(fs, version))))
		return 0;
	if (report) {
		if (to_set & FUSE_SET_ATTR_CTIME)
			report_ctime(fs, version->node, attr);
		return 0;
	}
	return set_exposed_times(fs, version, attr, to_set);
}

/* Whether the kernel reports its own times: with a handle, or nothing but what is known. */
static bool times_are_report(
	const Version *version, const struct stat *attr, int to_set, bool handle)
{
	const Stage *stage = stage_of(version);
	const struct timespec *known = stage ? &stage->mtime : &version->mtime;

	if (version->type != S_IFREG)
		return false;
	if (handle || (to_set & FUSE_SET_ATTR_SIZE))
		return true;
	return !(to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) &&
	       time_equal(known, &attr->st_mtim);
}

/* truncate(2) and ftruncate(2). */
static int set_size(Fs *fs, fuse_ino_t ino, const struct stat *attr, const Handle *handle)
{
	const struct fuse_setattr_in *in = request_body(request_current());
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	Stage *stage = NULL;
	int r = 0;

	{
		Version *version;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (!version)
			return -ESTALE;
		if (version->node->special)
			return -EPERM;
		if (handle && handle->stage)
			stage = stage_ref(handle->stage);
		else
			r = request_writing_stage(fs, version, &stage);
		if (r < 0)
			return r;
		if (in->valid & FATTR_KILL_SUIDGID)
			stage->drop_set_id = true;
	}
	r = stage_truncate(fs, stage, attr->st_size);
	HOLD(&fs->lock);
	/* truncate(2) is a session of its own, if nobody else has it open. */
	Pin *pin = pin_find(fs, tid);
	if (pin && !handle)
		pin_drop(fs, pin, current->due);
	if (stage_close(fs, stage))
		g_ptr_array_add(current->due, stage_ref(stage));
	stage_unref(fs, stage);
	return r;
}

/* The attributes after they have been set: of the file that has the name, for the version may have
 * been superseded by that. */
static int stat_after(Fs *fs, Version *version, struct stat *ret_stat)
{
	int r;

	if (version->state != VERSION_SUPERSEDED || !version->node->linked)
		return request_stat(fs, version, ret_stat);
	r = node_stat(fs, version->node, ret_stat);
	if (r == 0)
		request_hide_links(fs, ret_stat);
	return r;
}

/* The file has neither a name nor a handle. Nobody looks at the answer to a report, and an error
 * would be told the next fsync. A user who names a file that is replaced again and again comes
 * twice and finds it gone: then it was changed just before that. */
static int set_gone(Fs *fs, Version *version, bool report, struct stat *ret_stat)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;

	if (!report && (version->node->linked || tid <= 0))
		return -ESTALE;
	if (!report && !pin_find(fs, tid)) {
		pin_set(fs, tid, PIN_TIMES, version->node, current->caller, current->due);
		return -ESTALE;
	}
	if (version_gone_stat(version, ret_stat) < 0)
		*ret_stat =
			(struct stat){.st_mode = version->type | 0600, .st_size = version->size};
	return 0;
}

static int set_others(
	Fs *fs, fuse_ino_t ino, const struct stat *attr, int to_set, bool handle, struct stat *st)
{
	Version *version;
	bool report;
	int r = 0;
	HOLD(&fs->lock);

	version = version_find(fs, ino);
	if (!version)
		return -ESTALE;
	if (version->node->special)
		return -EPERM;
	report = times_are_report(version, attr, to_set, handle);
	/* It may be superseded by this, and must live until it has been asked. */
	version->n_lookups++;
	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		r = set_owner_and_mode(fs, version, attr, to_set);
	else if (!report && (to_set & SET_TIMES))
		r = request_attr_check(fs, version);
	if (r == 0 && (to_set & SET_TIMES))
		r = set_times(fs, version, attr, to_set, report);
	if (r == 0)
		r = stat_after(fs, version, st);
	if (r == -ESTALE)
		r = set_gone(fs, version, report && (to_set & SET_TIMES), st);
	if (r == 0)
		version_tell(version, st);
	version_forget(fs, version, 1);
	return r;
}

/* "Now" comes without the kernel's having handed over what was written before, so that it looks as
 * if nothing had been. In a thread that serves no WRITE: so it is only for calls that set the atime
 * as well, as touch does. */
static void flush_before_now(Fs *fs, fuse_ino_t ino)
{
	{
		Version *version;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (!version || !version->stage || version->stage->is_new ||
			version->stage->n_writers == 0 ||
			__atomic_load_n(&version->stage->dirty, __ATOMIC_RELAXED))
			return;
	}
	request_flush(fs, ino);
}

void request_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	const Handle *handle = fi ? request_handle(fi) : NULL;
	Fs *fs = request_fs(req);
	double timeout;
	struct stat st;
	int r = 0;

	if (to_set & FUSE_SET_ATTR_SIZE)
		r = set_size(fs, ino, attr, handle);
	else if (!handle && (to_set & FUSE_SET_ATTR_ATIME) && mtime_is_now(attr, to_set))
		flush_before_now(fs, ino);
	if (r == 0)
		r = set_others(fs, ino, attr, to_set, handle != NULL, &st);
	if (r < 0) {
		request_reply(req, r);
		return;
	}
	{
		HOLD(&fs->lock);
		timeout = request_is_cached(fs, &st) ? fs->options->attr_timeout : 0;
	}
	request_reply_attr(req, &st, timeout);
}

void request_statfs(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED)
{
	struct statvfs st;

	if (fstatvfs(request_fs(req)->root_fd, &st) < 0)
		request_reply(req, -errno);
	else
		fuse_reply_statfs(req, &st);
}
