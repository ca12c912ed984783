/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file that was being written through when its daemon died may be half old and half new. Its
 * whole new bytes have a hidden name that says which inode they are for; whichever name that has
 * will do, and that is looked for in a second walk, which few sweeps need.
 *
 * In doubt nothing is written. An inode number may be another file's by now, which has been made
 * later; and the file may have been written since, by somebody who did not know. Only names that we
 * have made ourselves count, for anybody can make a name. */

#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "fileio.h"
#include "log.h"
#include "stamp.h"
#include "util.h"
#include "walk.h"

/* So long writing through may have taken, in seconds, and how many bytes in each more. */
#define SWEEP_WRITING_S 60
#define SWEEP_BYTES_PER_S (8 << 20)

typedef struct Sweep Sweep;
typedef struct Through Through;

/* What is to be finished. */
struct Through {
	int dir_fd;     /* owned: where the hidden name is */
	char *name;     /* owned */
	int fd;         /* owned: of the whole bytes */
	struct stat st; /* of the same */
	ino_t ino;      /* of the file that they are for */
	uint64_t birth;
	uid_t dir_uid; /* who owns the directory of the hidden name */
	bool done;     /* it has been found: finished, or left alone for good */
};

struct Sweep {
	GPtrArray *throughs; /* Through, owned */
	bool finishes;       /* the second walk */
	bool blind;          /* not all of the tree could be listed */
};

static void through_free(void *data)
{
	Through *through = data;

	fd_clear(&through->dir_fd);
	fd_clear(&through->fd);
	g_free(through->name);
	g_free(through);
}

static void sweep_remove(int dir_fd, const char *name)
{
	int r = unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;

	if (r == -EISDIR) {
		backing_remove_store(dir_fd, name);
		r = backing_exists(dir_fd, name) ? -ENOTEMPTY : 0;
	}
	if (r < 0)
		log_errno(r, "cannot remove %s, which a dead daemon has left", name);
}

/* Remembers a name of bytes that are to be written through. */
static int sweep_take(Sweep *sweep, int dir_fd, const char *name, ino_t ino, uint64_t birth)
{
	autofd fd = -1, copy_fd = -1;
	struct stat st, dir;
	Through *through;
	int r;

	r = backing_open_read(dir_fd, name, &fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || fstat(dir_fd, &dir) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return -EPERM;
	copy_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (copy_fd < 0)
		return -errno;
	through = g_new(Through, 1);
	*through = (Through){fd_steal(&copy_fd), g_strdup(name), fd_steal(&fd), st, ino, birth,
		dir.st_uid, false};
	g_ptr_array_add(sweep->throughs, through);
	return 0;
}

/* A hidden name that was found: it is left alone if no daemon has made it, or that may be living.
 */
static void sweep_name(Sweep *sweep, int dir_fd, const char *name)
{
	uint64_t birth;
	ino_t ino;
	int r;

	if (!backing_is_made(name) || backing_is_living(name))
		return;
	if (!backing_is_through(name, &ino, &birth)) {
		sweep_remove(dir_fd, name);
		return;
	}
	r = sweep_take(sweep, dir_fd, name, ino, birth);
	if (r == -ELOOP || r == -EISDIR)
		sweep_remove(dir_fd, name);
	else if (r < 0)
		log_errno(r, "cannot finish what is in %s, which the next mount tries again", name);
}

/* Whether there is room for so many bytes beside what the file has; if not, it is as before. */
static int through_reserve(int to_fd, off_t n)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;
	int r;

	if (fstat(to_fd, &st) < 0)
		return -errno;
	if (n == 0 || fallocate(to_fd, FALLOC_FL_KEEP_SIZE, 0, n) == 0)
		return 0;
	r = -errno;
	if (r != -ENOSPC && r != -EDQUOT)
		return 0;
	times[1] = st.st_mtim;
	if (ftruncate(to_fd, st.st_size) == 0)
		(void)!stamp_set_open(to_fd, times);
	return r;
}

/* Writes a staged file over another, in place. It has been made before the crash: what has been
 * changed since then must look newer. */
static int through_write(const Through *through, int to_fd)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, through->st.st_mtim};
	int r = through_reserve(to_fd, through->st.st_blocks * 512);

	if (r < 0)
		return r;
	if (ftruncate(to_fd, 0) < 0 || ftruncate(to_fd, through->st.st_size) < 0)
		return -errno;
	r = fileio_copy(through->fd, to_fd, 0, through->st.st_size);
	if (r == 0)
		r = stamp_set_open(to_fd, times);
	return r < 0 ? r : fsync(to_fd) < 0 ? -errno : 0;
}

/* Whether nobody has written the file since. */
static bool through_may_write(const Through *through, const struct stat *to)
{
	return to->st_mtim.tv_sec <= through->st.st_ctim.tv_sec + SWEEP_WRITING_S +
					     through->st.st_size / SWEEP_BYTES_PER_S;
}

/* A name that has the inode number. */
static void through_finish(Through *through, int dir_fd, const char *name)
{
	autofd fd = -1;
	struct stat st;
	int r;

	r = backing_open_write(dir_fd, name, &fd);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	/* Something else is mounted there, or the number is another file's by now. */
	if (r == 0 && (st.st_ino != through->ino || st.st_dev != through->st.st_dev ||
			      !backing_is_born(fd, through->birth)))
		return;
	through->done = true;
	if (r == 0 && !through_may_write(through, &st)) {
		log_warning("%s has been written since a daemon died that was writing it: it is "
			    "left as it is, and what the daemon had is in %s",
			name, through->name);
		return;
	}
	/* Whoever owns a directory can give any file in it such a name. */
	if (r == 0 && through->dir_uid != geteuid() && through->dir_uid != st.st_uid)
		r = -EPERM;
	/* Should this be cut short, too, it is the writing that began now. */
	if (r == 0)
		(void)!fchmod(through->fd, through->st.st_mode & 07777);
	if (r == 0)
		r = through_write(through, fd);
	if (r < 0) {
		log_errno(r,
			"cannot finish writing %s, all of which is in %s, and which the next mount "
			"tries again",
			name, through->name);
		return;
	}
	log_warning("%s was being written when a daemon died, and has been finished: what has read "
		    "it since has to be made again",
		name);
	sweep_remove(through->dir_fd, through->name);
}

/* A file that may be the one that something is to be written to. */
static void sweep_match(Sweep *sweep, int dir_fd, const char *name)
{
	struct stat st;

	if (backing_stat(dir_fd, name, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	for (unsigned i = 0; i < sweep->throughs->len; i++) {
		Through *through = sweep->throughs->pdata[i];

		if (!through->done && through->ino == st.st_ino && through->st.st_dev == st.st_dev)
			through_finish(through, dir_fd, name);
	}
}

static bool sweep_visit(int dir_fd, const char *name, bool is_dir, void *token G_GNUC_UNUSED,
	void **ret_token G_GNUC_UNUSED, void *data)
{
	Sweep *sweep = data;

	if (backing_is_hidden(name)) {
		if (!sweep->finishes)
			sweep_name(sweep, dir_fd, name);
		return false;
	}
	if (sweep->finishes && !is_dir)
		sweep_match(sweep, dir_fd, name);
	return true;
}

static void sweep_walk(Sweep *sweep, int root_fd)
{
	int fd = -1;

	if (backing_open_list(root_fd, &fd) < 0 || walk_tree(fd, NULL, sweep_visit, sweep) < 0)
		sweep->blind = true;
}

void sweep_tree(int root_fd)
{
	Sweep sweep = {.throughs = g_ptr_array_new_with_free_func(through_free)};

	sweep_walk(&sweep, root_fd);
	sweep.finishes = true;
	if (sweep.throughs->len > 0)
		sweep_walk(&sweep, root_fd);
	for (unsigned i = 0; i < sweep.throughs->len; i++) {
		const Through *through = sweep.throughs->pdata[i];

		if (!through->done && sweep.blind)
			log_warning("the file that all bytes in %s are for is not found among the "
				    "directories that can be read: the next mount looks again",
				through->name);
		/* The file has gone. */
		else if (!through->done)
			sweep_remove(through->dir_fd, through->name);
	}
	g_ptr_array_unref(sweep.throughs);
}
