/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verdict is reached in two halves. First the bytes: compared, and made whole in the staging
 * file, under stage->lock alone, however long it takes; nobody can change them any more, and
 * everybody who asks for the name waits. Then the name: under fs->lock the attributes are carried
 * over, the time is stamped and the file renamed over its predecessor, so that whoever gets the
 * lock next sees one or the other.
 *
 * The stamp comes before the rename, inside the lock: a reader that opened the old bytes in between
 * would look newer than what it has not read.
 *
 * A file that has other names, or that cannot be replaced as it was, is written through to its
 * inode instead (P14).
 *
 * In an audit the verdict is what it would be, and the file has the mtime of its writing all the
 * same (audit.c). */

#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "failed.h"
#include "fileio.h"
#include "former.h"
#include "held.h"
#include "kept.h"
#include "late.h"
#include "log.h"
#include "match.h"
#include "outdated.h"
#include "record.h"
#include "save.h"
#include "stage-content.h"
#include "stamp.h"
#include "through.h"
#include "util.h"

#define THIN_ARCHIVE "!<thin>\n"

/* What has come of a session. */
typedef struct Outcome Outcome;

struct Outcome {
	Verdict verdict;       /* N_VERDICTS: there was nothing to decide */
	Verdict done;          /* what the name shows: in an audit something was exposed though it
				  would not be; N_VERDICTS: nothing was */
	const char *because;   /* what made same bytes count as a change; constant */
	struct timespec mtime; /* in an audit: that would be held back */
	Record *record;        /* owned; NULL: nothing to tell */
};

bool publish_is_listed(const Fs *fs, const char *name)
{
	for (char **glob = fs->options->always; glob && *glob; glob++)
		if (fnmatch(*glob, name, 0) == 0)
			return true;
	return false;
}

bool publish_always_counts(const Fs *fs, const char *name, int fd, off_t size, bool by_driver)
{
	char magic[sizeof(THIN_ARCHIVE) - 1];
	size_t n = 0;

	if (publish_is_listed(fs, name))
		return true;
	if (!fs->options->always_builtin)
		return false;
	return by_driver || size == 0 ||
	       (fileio_pread(fd, magic, sizeof(magic), 0, &n) == 0 && n == sizeof(magic) &&
		       memcmp(magic, THIN_ARCHIVE, n) == 0);
}

/* fd: open for reading, with the bytes of the stage. */
static bool publish_is_always(const Fs *fs, const Stage *stage, int fd)
{
	return publish_always_counts(fs, stage->node->name, fd, stage->size, stage->by_driver);
}

/* Who brings back what comes back; NULL: somebody unknown. */
static Process *publish_writer(const Stage *stage)
{
	return stage->openers->len > 0 ? stage->openers->pdata[0] : NULL;
}

/* The mtime of the file is held back; mtime: that, which in an audit it would have. */
static void publish_note_held(Fs *fs, const struct stat *st, const struct timespec *mtime)
{
	if (fs->audit)
		audit_note(fs, st, mtime);
	else
		held_note(fs, st);
}

/* Writes down what is under the name now. Whoever reads it reads what this step has written, be it
 * with the same bytes. Where the mtime has been held back, and is older than what the step has
 * read, it will be made again each time (P15). */
static void publish_note(Fs *fs, const Stage *stage, const Outcome *outcome)
{
	Process *writer = publish_writer(stage);
	struct timespec newest, mtime;
	struct stat st;

	if (node_stat(fs, stage->node, &st) < 0)
		return;
	if ((outcome->verdict == VERDICT_KEPT || outcome->verdict == VERDICT_RESTORED) &&
		!late_waits(fs, stage->node)) {
		mtime = fs->audit ? outcome->mtime : st.st_mtim;
		publish_note_held(fs, &st, &mtime);
		if (inputs_are_newer(fs->inputs, writer, &mtime, &newest))
			outdated_note(fs, stage->node, &newest);
	}
	inputs_wrote(fs->inputs, writer, &st);
}

static int publish_set_mtime(const Stage *stage, int fd)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, stage->mtime};

	if (!stage->times_set)
		return stamp_now(fd);
	return stamp_set_open(fd, times);
}

/* Same bytes, but somebody may have acted upon others, or the rewriting is the message. */
static int publish_touch(Fs *fs, Stage *stage)
{
	const bool obeys = fs->audit && stage->times_set;
	int dir_fd, r;

	r = node_parent_fd(fs, stage->node, &dir_fd);
	if (r == 0)
		r = kept_stamp(fs, dir_fd, stage->node->name, obeys ? &stage->mtime : NULL);
	if (r < 0)
		return r;
	node_supersede(fs, stage->node);
	return 0;
}

/* Keeps what is about to be replaced (P9), unless somebody has acted upon what was staged
 * meanwhile, or nobody can have acted upon what is replaced. */
static bool publish_keep(Fs *fs, const Stage *stage, int dir_fd, Keep *ret_keep)
{
	const Node *node = stage->node;

	if (!stage->seen && !stage->unknown && !late_give_way(fs, stage->node) &&
		!former_is_passing(fs, node->parent, node->name, dir_fd, publish_writer(stage)))
		return former_keep(fs, dir_fd, node->name, ret_keep);
	kept_save(fs, dir_fd, node->name);
	return false;
}

/* r: what came of replacing it. */
static void publish_kept(Fs *fs, const Stage *stage, int r, const Keep *keep)
{
	if (r < 0)
		former_cancel(fs, keep);
	else
		former_kept(fs, stage->node->parent, stage->node->name, keep);
}

/* The stage gets its name. replaces: something is there, which goes. */
static int publish_put(Fs *fs, Stage *stage, int dir_fd, bool replaces)
{
	const char *name = stage->node->name;
	bool keeps, ends;
	struct stat old;
	Keep keep;
	int r;

	ends = replaces && backing_stat(dir_fd, name, &old) == 0 && kept_n_links(fs, &old) == 1;
	keeps = replaces && publish_keep(fs, stage, dir_fd, &keep);
	r = backing_expose(stage->fd, &stage->hidden, dir_fd, name, !replaces);
	if (keeps)
		publish_kept(fs, stage, r, &keep);
	if (r == 0 && ends)
		held_forget(fs, &old);
	return r;
}

/* A name that was not there before. Keeps its id if the session ends with it, for what fstat said
 * is what stat says from now on. Not if a lookup has told of it: its answer may be on its way, with
 * a size that the kernel would believe. */
static int publish_new(Fs *fs, Stage *stage, bool ends)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, stage->mtime};
	Node *node = stage->node;
	struct stat st;
	int dir_fd, r;
	bool known;

	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	/* The last write is when the kernel says it was: our own writing came later. */
	r = stamp_set_open(stage->fd, times);
	if (r < 0)
		return r;
	r = publish_put(fs, stage, dir_fd, node->shadow);
	if (r < 0)
		return r;
	/* It is exposed, whatever fails from here on. */
	known = fstat(stage->fd, &st) == 0;
	if (known)
		held_forget(fs, &st);
	node->shadow = false;
	node->parent->n_hidden--;
	node->young = NODE_YOUNG;
	if (ends)
		stage->is_new = false;
	if (known)
		node_remember_ctime(fs, node, &st, &stage->told_ctime);
	if (!known || !ends || stage->version->told)
		return 0;
	node->exposed = stage->version;
	node->exposed->state = VERSION_EXPOSED;
	version_identify(node->exposed, &st);
	return 0;
}

/* Different bytes under a name that stays: at once and whole. */
static int publish_replace(Fs *fs, Stage *stage)
{
	Node *node = stage->node;
	struct stat st;
	int dir_fd, r;

	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	r = backing_carry(stage->base_fd, stage->fd, stage->drop_set_id);
	if (r < 0)
		return r;
	r = publish_set_mtime(stage, stage->fd);
	if (r < 0)
		return r;
	r = publish_put(fs, stage, dir_fd, true);
	if (r < 0)
		return r;
	if (fstat(stage->fd, &st) == 0)
		held_forget(fs, &st);
	node_supersede(fs, node);
	return 0;
}

/* What differs has to be found out before. stage->lock held. */
static Record *publish_record_through(Fs *fs, const Stage *stage, bool ends)
{
	Record *record;

	{
		HOLD(&fs->lock);
		record = record_new(fs, stage, VERDICT_CHANGED, NULL);
	}
	if (ends)
		record_compare_now(record, stage);
	return record;
}

/* *record: what is told of it; dropped if it fails. */
static int publish_through(Fs *fs, Stage *stage, bool ends, bool durable, Record **record)
{
	autofd fd = -1;
	struct stat st;
	int r;

	r = through_write(fs, stage, durable || fs->options->durable, &fd);
	if (r < 0) {
		*record = record_drop(fs, *record);
		return r;
	}
	HOLD(&fs->lock);
	stage_drop_through(fs, stage);
	stage_drop_hidden(fs, stage);
	if (stage->drop_set_id && fstat(fd, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
		(void)!fchmod(fd, backing_mode_after_write(st.st_mode) & 07777);
	r = publish_set_mtime(stage, fd);
	if (r < 0) {
		*record = record_drop(fs, *record);
		return r;
	}
	if (stage->node->linked) {
		const Outcome changed = {.verdict = VERDICT_CHANGED};

		former_forget_node(fs, stage->node);
		node_supersede(fs, stage->node);
		publish_note(fs, stage, &changed);
	}
	through_supersede(fs, stage);
	if (!ends)
		stage_rebase(fs, stage, false);
	return 0;
}

/* The first half: the bytes. */
static int publish_bytes(Fs *fs, Stage *stage, bool durable, bool *ret_same)
{
	int r;

	*ret_same = false;
	if (!stage->dirty && !stage->is_new)
		return 0;
	if (stage_compare(stage, ret_same) < 0)
		*ret_same = false; /* what cannot be read cannot count as unchanged */
	if (*ret_same) {
		HOLD(&fs->lock);
		stage->torn = false;
		return 0;
	}
	r = stage_materialise(fs, stage);
	if (r == 0 && (durable || fs->options->durable) && fsync(stage->fd) < 0)
		r = -errno;
	return r;
}

/* Whether what is staged may count as something that was there before. */
static bool publish_may_match(const Stage *stage)
{
	return stage->node->linked && !stage->seen && !stage->unknown && !stage->touched;
}

/* The file that a new name has been renamed over (P8), if it may have the bytes; or -1. */
static int publish_open_shadow(Fs *fs, const Stage *stage)
{
	Node *node = stage->node;
	autofd fd = -1;
	struct stat st;
	int dir_fd;

	if (!stage->is_new || !node->shadow || node_parent_fd(fs, node, &dir_fd) < 0 ||
		backing_open_read(dir_fd, node->name, &fd) < 0 || backing_stat_open(fd, &st) < 0 ||
		!S_ISREG(st.st_mode) || kept_n_links(fs, &st) != 1 || st.st_size != stage->size ||
		held_has_arrived(fs, &st))
		return -1;
	return fd_steal(&fd);
}

/* What may have the bytes that are staged; NULL: nothing may. */
static GArray *publish_candidates(Fs *fs, const Stage *stage)
{
	const Node *node = stage->node;
	bool through = false;
	HOLD(&fs->lock);

	if (!publish_may_match(stage) ||
		(!stage->is_new && (through_is_needed(fs, stage, &through) < 0 || through)))
		return NULL;
	return match_candidates(fs, publish_open_shadow(fs, stage), node->parent, node->name,
		stage->size, publish_writer(stage));
}

/* Whether the rewriting is the message, so that no former version comes back. What git checks out
 * says nothing to anybody. */
static bool publish_is_message(Fs *fs, const Stage *stage)
{
	return publish_is_always(fs, stage, stage->fd) && !step_is_free_git(publish_writer(stage));
}

/* Whether it still holds, and for the name that the node has now; fs->lock held. */
static bool publish_match_holds(Fs *fs, const Stage *stage, const Match *match)
{
	Node *node = stage->node;
	struct stat st, now;

	if (!match->found || !publish_may_match(stage) || publish_is_message(fs, stage))
		return false;
	if (match->former)
		return former_is_of(fs, match->former, node->parent, node->name) &&
		       former_may_return(match->former, publish_writer(stage));
	return stage->is_new && node->shadow && fstat(match->fd, &st) == 0 &&
	       node_stat(fs, node, &now) == 0 && now.st_ino == st.st_ino;
}

/* The name shows that version again: the file itself. */
static int publish_put_back(Fs *fs, Stage *stage, const Match *match)
{
	Node *node = stage->node;
	int dir_fd, r;

	if (match->former && !former_is_whole(fs, match->former))
		return -EMLINK;
	if (!stage->is_new) {
		r = backing_carry(stage->base_fd, stage->fd, stage->drop_set_id);
		if (r < 0)
			return r;
	}
	r = backing_assume(stage->fd, match->fd);
	if (r == 0 && match->former)
		r = node_parent_fd(fs, node, &dir_fd);
	if (r == 0 && match->former)
		r = former_put_back(fs, match->former, dir_fd);
	if (r < 0)
		return r;
	if (stage->is_new) {
		stage->is_new = false;
		node->shadow = false;
		node->parent->n_hidden--;
	}
	node_supersede(fs, node);
	return 0;
}

/* The file that has been staged, with the mtime of that version. */
static int publish_with_mtime(Fs *fs, Stage *stage, const Match *match)
{
	const struct timespec mtime = stage->mtime;
	const bool times_set = stage->times_set;
	struct stat st;
	int dir_fd, r;

	if (fstat(match->fd, &st) < 0)
		return -errno;
	stage->mtime = match->former ? *former_mtime(match->former) : st.st_mtim;
	stage->times_set = true;
	if (stage->is_new) {
		/* Not a new name's id: what was said of the file is not so any more. */
		r = publish_new(fs, stage, false);
		stage->is_new = r < 0;
	} else {
		r = publish_replace(fs, stage);
	}
	if (r < 0) {
		stage->mtime = mtime;
		stage->times_set = times_set;
		return r;
	}
	if (match->former && former_may_return(match->former, publish_writer(stage)) &&
		node_parent_fd(fs, stage->node, &dir_fd) == 0)
		(void)!former_restore_mtime(fs, match->former, dir_fd);
	return 0;
}

static int publish_restore(Fs *fs, Stage *stage, const Match *match, Verdict *ret_verdict)
{
	int r;

	*ret_verdict = match->former ? VERDICT_RESTORED : VERDICT_KEPT;
	r = publish_put_back(fs, stage, match);
	if (r < 0)
		r = publish_with_mtime(fs, stage, match);
	if (r < 0)
		return r;
	node_remember_kept(fs, stage->node, publish_writer(stage), &stage->began);
	return 0;
}

/* An audit: what would be left as it is has a new mtime. */
static int publish_keep_audited(Fs *fs, Stage *stage, Outcome *outcome)
{
	struct stat st;
	int r;

	r = node_stat(fs, stage->node, &st);
	if (r < 0)
		return r;
	outcome->mtime = audit_mtime(fs, &st);
	outcome->done = VERDICT_TOUCHED;
	return publish_touch(fs, stage);
}

/* An audit: what would come back, or have an old mtime back, is as new as any other. */
static int publish_restore_audited(
	Fs *fs, Stage *stage, const Match *match, bool ends, Outcome *outcome)
{
	struct stat st;
	int r;

	if (fstat(match->fd, &st) < 0)
		return -errno;
	outcome->mtime = match->former ? *former_mtime(match->former) : audit_mtime(fs, &st);
	outcome->verdict = match->former ? VERDICT_RESTORED : VERDICT_KEPT;
	outcome->done = stage->is_new ? VERDICT_NEW : VERDICT_CHANGED;
	r = stage->is_new ? publish_new(fs, stage, ends) : publish_replace(fs, stage);
	if (r < 0)
		return r;
	if (match->former && former_may_return(match->former, publish_writer(stage)))
		former_came_back(fs, match->former);
	node_remember_kept(fs, stage->node, publish_writer(stage), &stage->began);
	return 0;
}

/* Whether what is exposed has a time of its own, from another name. */
static bool publish_has_arrived(const Fs *fs, const Stage *stage)
{
	struct stat st;

	return fstat(stage->base_fd, &st) == 0 && held_has_arrived(fs, &st);
}

/* Whether a file of that mtime is to get a new one though its bytes are the same. */
static bool publish_converges(Fs *fs, const Stage *stage, const struct timespec *mtime)
{
	return fs->options->converge &&
	       inputs_are_newer(fs->inputs, publish_writer(stage), mtime, NULL);
}

/* The same of an open file. */
static bool publish_file_converges(Fs *fs, const Stage *stage, int fd)
{
	struct timespec mtime;
	struct stat st;

	if (!fs->options->converge || fstat(fd, &st) < 0)
		return false;
	mtime = audit_mtime(fs, &st);
	return publish_converges(fs, stage, &mtime);
}

static bool publish_match_converges(Fs *fs, const Stage *stage, const Match *match)
{
	return match->former ? publish_converges(fs, stage, former_mtime(match->former))
			     : publish_file_converges(fs, stage, match->fd);
}

/* Whether it is too early for a former version to come back: who writes it has been told of another
 * mtime. */
static bool publish_is_late(Fs *fs, const Stage *stage, const Match *match)
{
	return match->former && stage->is_new && late_is_needed(fs, publish_writer(stage));
}

/* Why the same bytes get a new mtime all the same; NULL: they do not. */
static const char *publish_why_touched(Fs *fs, const Stage *stage)
{
	if (stage->seen)
		return "seen";
	if (stage->touched)
		return "asked";
	if (stage->moved)
		return "moved";
	if (publish_has_arrived(fs, stage))
		return "arrived";
	if (publish_is_always(fs, stage, stage->base_fd))
		return "always";
	return publish_file_converges(fs, stage, stage->base_fd) ? "converge" : NULL;
}

/* The second half: the name. Returns -EXDEV if the file has to be written through. */
static int publish_name(
	Fs *fs, Stage *stage, bool same, const Match *match, bool ends, Outcome *outcome)
{
	Verdict *ret_verdict = &outcome->verdict;
	bool back, late, through;
	int r;

	if (same && (outcome->because = publish_why_touched(fs, stage))) {
		*ret_verdict = VERDICT_TOUCHED;
		return publish_touch(fs, stage);
	}
	if (same) {
		*ret_verdict = VERDICT_KEPT;
		if (ends)
			node_remember_kept(fs, stage->node, publish_writer(stage), &stage->began);
		return fs->audit ? publish_keep_audited(fs, stage, outcome) : 0;
	}
	back = publish_match_holds(fs, stage, match) && !publish_match_converges(fs, stage, match);
	if (back && fs->audit && publish_restore_audited(fs, stage, match, ends, outcome) == 0)
		return 0;
	late = back && !fs->audit && publish_is_late(fs, stage, match);
	if (back && !late && !fs->audit && publish_restore(fs, stage, match, ret_verdict) == 0)
		return 0;
	if (stage->is_new) {
		*ret_verdict = late ? VERDICT_RESTORED : VERDICT_NEW;
		r = publish_new(fs, stage, ends);
		if (r == 0)
			stage_note_openers(fs, stage);
		if (r == 0 && late)
			late_note(fs, stage->node, match->former, publish_writer(stage));
		return r;
	}
	*ret_verdict = VERDICT_CHANGED;
	r = through_is_needed(fs, stage, &through);
	if (r == 0 && through)
		r = -EXDEV;
	if (r < 0)
		return r;
	r = publish_replace(fs, stage);
	if (r == 0)
		stage_note_openers(fs, stage);
	/* The hidden name of the staging file may be in another directory, where this one is closed
	 * to us; and what a file was mounted over alone cannot be renamed over. */
	return r == -EACCES || r == -EPERM || r == -EBUSY || (r == -ENOENT && stage->hidden)
		       ? -EXDEV
		       : r;
}

/* Whether a session that goes on is still the one that was to be exposed: it has not ended
 * meanwhile, and nobody has joined it. */
static bool publish_may_go_on(const Stage *stage, unsigned n_openers)
{
	return stage->state != STAGE_DONE &&
	       (n_openers == PUBLISH_ANY_OPENERS || stage->openers->len == n_openers);
}

/* An audit: the session ends as it would have been left by the last fsync. */
static void publish_end_audited(Fs *fs, const Stage *stage, Outcome *outcome)
{
	outcome->verdict = VERDICT_KEPT;
	node_remember_kept(fs, stage->node, publish_writer(stage), &stage->began);
	outcome->record = record_new(fs, stage, VERDICT_KEPT, NULL);
}

/* What is decided under both locks. */
static int publish_under_lock(
	Fs *fs, Stage *stage, bool same, const Match *match, bool ends, Outcome *outcome)
{
	int r;

	if (!stage->node->linked) {
		if (stage->dirty && !same && stage_is_missed(fs, stage)) {
			outcome->verdict = VERDICT_CHANGED;
			return -EXDEV;
		}
		if ((stage->dirty || stage->is_new || stage->audited) && !stage->nameless) {
			outcome->verdict = VERDICT_REMOVED;
			if (ends)
				outcome->record = record_new(fs, stage, VERDICT_REMOVED, NULL);
		}
		return 0;
	}
	if (!stage->dirty && !stage->is_new) {
		if (stage->audited && ends)
			publish_end_audited(fs, stage, outcome);
		return 0;
	}
	r = publish_name(fs, stage, same, match, ends, outcome);
	if (r < 0)
		return r;
	if (outcome->done == N_VERDICTS)
		outcome->done = outcome->verdict;
	publish_note(fs, stage, outcome);
	if (ends || outcome->verdict != VERDICT_KEPT)
		outcome->record = record_new(fs, stage, outcome->verdict, outcome->because);
	/* Who syncs a large file again and again would wait for this, too. */
	if (outcome->verdict == VERDICT_CHANGED && ends && !fs->on_fuse)
		record_keep_files(outcome->record, stage);
	else if (outcome->verdict == VERDICT_NEW && ends && !fs->on_fuse)
		record_keep_former(fs, outcome->record, stage);
	if (!ends && outcome->done != VERDICT_KEPT) {
		stage_rebase(fs, stage, outcome->done != VERDICT_TOUCHED);
		stage->audited = outcome->verdict == VERDICT_KEPT;
	}
	return 0;
}

/* Both halves; stage->lock held. */
static int publish_once(
	Fs *fs, Stage *stage, bool ends, unsigned n_openers, bool durable, Outcome *outcome)
{
	Match match = {.fd = -1};
	bool same = false;
	int r;

	*outcome = (Outcome){.verdict = N_VERDICTS, .done = N_VERDICTS};
	r = publish_bytes(fs, stage, durable, &same);
	if (r == 0 && ends && !same && stage->fd >= 0 && (stage->dirty || stage->is_new))
		match_find(fs, publish_candidates(fs, stage), stage->fd, stage->size, &match);
	if (r == 0) {
		HOLD(&fs->lock);
		if (ends || publish_may_go_on(stage, n_openers))
			r = publish_under_lock(fs, stage, same, &match, ends, outcome);
	}
	match_clear(fs, &match);
	if (r == -EXDEV && !stage->is_new) {
		outcome->record = publish_record_through(fs, stage, ends);
		HOLD(&fs->through_lock);
		r = publish_through(fs, stage, ends, durable, &outcome->record);
	}
	return r;
}

static int publish(
	Fs *fs, Stage *stage, bool ends, unsigned n_openers, bool durable, Outcome *outcome)
{
	int r = publish_once(fs, stage, ends, n_openers, durable, outcome);

	/* The disk may be full of what is only kept (P17). */
	return r < 0 && stage_make_room(fs, r)
		       ? publish_once(fs, stage, ends, n_openers, durable, outcome)
		       : r;
}

/* Remembers what the stage has become: a late open of its id may still be served if that is
 * exposed. */
static void publish_identify(Stage *stage, Verdict done)
{
	struct stat st;

	const bool replaced = done == VERDICT_CHANGED && stage->fd >= 0 && !stage->stale;

	if (fstat(replaced ? stage->fd : stage->base_fd, &st) == 0)
		version_identify(stage->version, &st);
}

/* It is not one of those that could not be exposed any more. */
static void publish_mended(Fs *fs, Stage *stage, Verdict verdict)
{
	if (verdict == VERDICT_REMOVED)
		failed_forget(fs, stage);
	else
		failed_mend(fs, stage);
}

/* Whether some of what was written could not be stored. Its writer may not have noticed: the kernel
 * had taken it before. */
static bool publish_is_incomplete(Fs *fs, const Stage *stage)
{
	HOLD(&fs->lock);

	return stage->error && (stage->node->linked || stage_is_missed(fs, stage));
}

/* What is saved gets a name, and an owner; what the next mount is to finish must not. stage->lock
 * held. */
static int publish_leave_through(Fs *fs, Stage *stage)
{
	return stage->through ? stage_make_writable(fs, stage, stage->size) : 0;
}

/* The name shows what it did before, so that the next build writes it again; what there is of the
 * new bytes is kept beside it. Both locks held. */
static Record *publish_incomplete(Fs *fs, Stage *stage)
{
	Record *record = record_new(fs, stage, VERDICT_FAILED, NULL);
	g_autofree char *name = node_path(stage->node), *path = NULL;

	if (stage->fd >= 0 && (!stage->through || stage->left))
		(void)!save_in_mount(fs, stage, &path);
	log_errno(stage->error, "%s in %s could not be stored, and is %s%s%s", name, fs->dir,
		stage->torn ? "in part what was written before that" : "what it was before",
		path ? "; what there is of it is in " : "", path ? path : "");
	fs->n_incomplete++;
	journal_add(fs->journal, VERDICT_FAILED, 0);
	stage->deciding = false;
	failed_forget(fs, stage);
	if (stage->is_new)
		node_unlink(fs, stage->node);
	record_fail(record, stage->error);
	stage_end(fs, stage, NULL);
	return record;
}

/* Once for all attempts. */
static Record *publish_record_failure(Fs *fs, const Stage *stage, int error)
{
	Record *record;

	if (stage->failed)
		return NULL;
	record = record_new(fs, stage, VERDICT_FAILED, NULL);
	record_fail(record, error);
	return record;
}

Record *publish_end(Fs *fs, Stage *stage)
{
	bool keeps_id;
	Outcome outcome;
	Verdict verdict;
	int r;
	HOLD(&stage->lock);

	if (publish_is_incomplete(fs, stage)) {
		(void)!publish_leave_through(fs, stage);
		HOLD(&fs->lock);
		return publish_incomplete(fs, stage);
	}
	r = publish(fs, stage, true, PUBLISH_ANY_OPENERS, false, &outcome);
	verdict = outcome.verdict;
	HOLD(&fs->lock);
	stage->deciding = false;
	/* Removed while its bytes were made whole or written through: nobody can miss it. */
	if (r < 0 && !stage->node->linked && !stage_is_missed(fs, stage)) {
		verdict = VERDICT_REMOVED;
		r = 0;
	}
	if (verdict != VERDICT_KEPT && verdict != VERDICT_RESTORED)
		node_forget_kept(stage->node);
	if (r < 0) {
		stage_set_state(fs, stage, STAGE_FAILED);
		outcome.record = publish_record_failure(fs, stage, r);
		failed_note(fs, stage, r);
		/* Who has looked the name up before is to look again, and finds the stage. */
		node_supersede(fs, stage->node);
		stage_renumber(fs, stage);
		return outcome.record;
	}
	publish_mended(fs, stage, verdict);
	if (verdict != N_VERDICTS)
		journal_add(fs->journal, verdict, (uint64_t)stage->size);
	publish_identify(stage, outcome.done);
	keeps_id = stage->node->exposed && stage->node->exposed == stage->version;
	stage_end(fs, stage, keeps_id ? stage->version : NULL);
	return outcome.record;
}

/* From here on, until publish_expose_end(), nobody ends it because its name goes. False: it has
 * ended. */
static bool publish_expose_begin(Fs *fs, Stage *stage)
{
	HOLD(&fs->lock);

	if (stage->state == STAGE_DONE)
		return false;
	stage->n_exposing++;
	return true;
}

/* What has failed and lost its name meanwhile is dropped at the next attempt. */
static void publish_expose_end(Fs *fs, Stage *stage)
{
	HOLD(&fs->lock);

	stage->n_exposing--;
}

/* What has been exposed gets to the disk, with its name; stage->lock held. What an ended session
 * has left under the name may be neither of its two files. */
static int publish_sync(Fs *fs, Stage *stage)
{
	int fd = stage->base_fd, dir_fd;
	autofd name_fd = -1, list_fd = -1;

	{
		HOLD(&fs->lock);
		if (stage->state == STAGE_DONE)
			fd = stage->fd;
		if (node_parent_fd(fs, stage->node, &dir_fd) == 0) {
			if (stage->state == STAGE_DONE)
				(void)!backing_open_read(dir_fd, stage->node->name, &name_fd);
			(void)!backing_open_list(dir_fd, &list_fd);
		}
	}
	if (fd < 0)
		fd = stage->fd;
	if ((fd >= 0 && fsync(fd) < 0) || (name_fd >= 0 && fsync(name_fd) < 0))
		return -errno;
	return list_fd >= 0 && fsync(list_fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int publish_going_on(
	Fs *fs, Stage *stage, unsigned n_openers, bool durable, Record **ret_record)
{
	Outcome outcome = {.verdict = N_VERDICTS};
	Verdict verdict;
	int r = 0;
	HOLD(&stage->lock);

	if (publish_expose_begin(fs, stage)) {
		r = stage->error ? stage->error
				 : publish(fs, stage, false, n_openers, durable, &outcome);
		publish_expose_end(fs, stage);
	}
	*ret_record = outcome.record;
	verdict = outcome.verdict;
	if (r < 0)
		return r;
	if (verdict != N_VERDICTS && verdict != VERDICT_KEPT && verdict != VERDICT_REMOVED)
		journal_add(fs->journal, verdict, (uint64_t)stage->size);
	if (verdict != N_VERDICTS) {
		HOLD(&fs->lock);
		publish_mended(fs, stage, verdict);
	}
	return durable ? publish_sync(fs, stage) : 0;
}

int publish_now(Fs *fs, Stage *stage, unsigned n_openers, bool durable)
{
	Record *record = NULL;
	int r = publish_going_on(fs, stage, n_openers, durable, &record);

	record_write(fs, record);
	return r;
}

int publish_save(Fs *fs, Stage *stage)
{
	g_autofree char *path = NULL, *name = NULL;
	bool same = false;
	int r;

	{
		HOLD(&stage->lock);
		r = publish_bytes(fs, stage, false, &same);
		if (r == 0 && !same)
			r = publish_leave_through(fs, stage);
		HOLD(&fs->lock);
		if ((!stage->node->linked && !stage_is_missed(fs, stage)) || same ||
			(!stage->dirty && !stage->is_new)) {
			stage_end(fs, stage, NULL);
			return 0;
		}
		name = node_path(stage->node);
		if (r == 0)
			r = save_in_mount(fs, stage, &path);
	}
	if (r < 0)
		r = save_elsewhere(fs, stage, &path);
	if (r < 0) {
		log_errno(r, "%s in %s is lost, for it could neither be exposed nor saved", name,
			fs->dir);
		save_note_lost(fs, name, r);
	} else {
		log_warning("%s in %s could not be exposed%s, and was saved as %s", name, fs->dir,
			stage->torn ? " but in part" : "", path);
	}
	HOLD(&fs->lock);
	journal_add(fs->journal, VERDICT_FAILED, 0);
	stage_end(fs, stage, NULL);
	return r < 0 ? r : -EIO;
}
