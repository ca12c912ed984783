/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a process's mounts.
 *
 * All directories are opened first, then all are mounted over, then all are served: what can be
 * refused is refused before anything is mounted, and while libfuse mounts (it forks, and
 * fusermount3 writes to standard error what we want to say ourselves) there are no threads yet.
 *
 * Each mount has a thread that waits for its end. A mount ends by being unmounted, by whomever, or
 * by its connection being cut (abort). Either way the kernel stops sending requests. The difference
 * is whether it is still in the mount table and answers everybody with ENOTCONN; then handles may
 * be open, nobody can say whether what is staged is complete, and it is saved, not exposed.
 *
 * A mount that is unmounted takes with it what is still queued for its daemon: the RELEASE of a
 * file closed just before, too. So unmounting starts with a round trip through the mount, by a
 * child. */

#include "mount-session.h"

#include "fs.h"
#include "journal-file.h"
#include "log.h"
#include "mount-helper.h"
#include "mount-target.h"
#include "mount-watch.h"
#include "record.h"
#include "request.h"
#include "util.h"

#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEAD_TIMEOUT_MS 2000  /* how long a mount may take to show that it is not dead */
#define SYNC_TIMEOUT_MS 10000 /* how long a round trip may take before an unmount */

typedef struct Served Served;

/* One mount. "Constant" is from the moment on that it is served. */
struct Served {
	Session *session;        /* constant */
	const char *dir;         /* constant; the target's */
	int mount_id;            /* constant */
	struct stat status;      /* before it is served: of the directory underneath */
	Fs *fs;                  /* the waiter's */
	struct fuse_session *se; /* the waiter's */
	bool mounted;            /* the waiter's: se is */
	pthread_t waiter;        /* the session owner's */
	bool serving;            /* the session owner's: waiter is to be joined */
	atomic_bool aborted;     /* atomic: we cut it ourselves */
	atomic_bool over; /* atomic: the connection has ended; the numbers may be another's now */
};

struct Session {
	const Options *options; /* constant */
	Target *targets;        /* before they are served; then constant, the descriptors gone */
	Served *served;         /* constant array, n_served long */
	size_t n_served;        /* constant */
	char **dirs;            /* constant; the strings are the targets' */
	unsigned *minors;       /* constant; of each mount */
	Inputs *inputs;         /* constant, owned; of all mounts */
	Watch *watch;           /* the starter's, owned; or NULL */
	int journal_fd;         /* options->journal, or -1 */
	int lines_fd;           /* constant: with options->report, what the journal tells; or -1 */
	JournalFile *journal;   /* what writes there; NULL: nothing */
	int log_fd;             /* the starter's: options->log, until messages go there; or -1 */
	int ready_fd;           /* constant: eventfd, counts mounts that answered INIT */
	int one_end_fd;         /* constant: eventfd, some mount has ended */
	int end_fd;             /* constant: eventfd, all mounts have ended */
	pthread_mutex_t lock;
	size_t n_ended; /* lock */
	Totals totals;  /* lock: of the mounts that have ended */
	int error;      /* lock: the first that fs_finish() returned */
};

/* ---- what libfuse says ---- */

/* libfuse has one log function for the whole process. What it complains of is kept, and said as a
 * part of our own sentence; only -d prints as it comes. */
static struct {
	pthread_mutex_t lock;
	char *text; /* lock: complaints so far */
} complaint = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* libfuse says one sentence in several pieces. */
G_GNUC_PRINTF(2, 0)
static void take_complaint(enum fuse_log_level level, const char *format, va_list ap)
{
	g_autofree char *piece = NULL;
	char *old;

	if (level > FUSE_LOG_WARNING) {
		vfprintf(stderr, format, ap);
		return;
	}
	piece = g_strdup_vprintf(format, ap);

	HOLD(&complaint.lock);
	old = complaint.text;
	complaint.text = g_strconcat(old ? old : "", piece, NULL);
	g_free(old);
}

/* The last line of what has been said, or NULL. */
static char *last_line(char *text)
{
	char *line;

	g_strchomp(text);
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (g_str_has_prefix(line, "fuse: "))
		line += strlen("fuse: ");
	return *line ? g_strdup(line) : NULL;
}

static char *steal_complaint(void)
{
	g_autofree char *text = NULL;
	HOLD(&complaint.lock);

	text = g_steal_pointer(&complaint.text);
	return text ? last_line(text) : NULL;
}

/* Standard error goes to a file from begin to end: fusermount3 writes there. Returns the real one.
 */
static int stderr_begin(void)
{
	autofd file_fd = memfd_create("stderr", MFD_CLOEXEC);
	int real_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (real_fd >= 0 && file_fd >= 0)
		dup2(file_fd, STDERR_FILENO);
	return real_fd;
}

/* Gives back the last line that was written meanwhile, or NULL. */
static char *stderr_end(int real_fd)
{
	char buf[4096] = "";
	ssize_t n = pread(STDERR_FILENO, buf, sizeof buf - 1, 0);

	if (real_fd < 0)
		return NULL;
	dup2(real_fd, STDERR_FILENO);
	close(real_fd);
	return n > 0 ? last_line(buf) : NULL;
}

/* ---- options for libfuse ---- */

static void append_escaped(GString *out, const char *value)
{
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *value);
	}
}

/* The user's come last and win. */
static struct fuse_session *make_fuse_session(const Options *options, const char *dir,
	const struct fuse_lowlevel_ops *ops, size_t ops_size, void *userdata)
{
	g_autoptr(GString) list =
		g_string_new("default_permissions,nosuid,nodev,subtype=lklfs,fsname=");
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se;

	append_escaped(list, dir);
	if (options->fuse_options)
		g_string_append_printf(list, ",%s", options->fuse_options);
	fuse_set_log_func(take_complaint);
	fuse_opt_add_arg(&args, "lklfs");
	fuse_opt_add_arg(&args, "-o");
	fuse_opt_add_arg(&args, list->str);
	if (options->debug)
		fuse_opt_add_arg(&args, "-d");
	se = fuse_session_new(&args, ops, ops_size, userdata);
	fuse_opt_free_args(&args);
	return se;
}

int session_check(const Options *options)
{
	const struct fuse_lowlevel_ops none = {};
	struct fuse_session *se = make_fuse_session(options, "/", &none, sizeof none, NULL);
	g_autofree char *text = steal_complaint();

	if (!se)
		return log_error("%s (see lklfs --help)",
			text ? text : "libfuse does not understand the options");
	fuse_session_destroy(se);
	return 0;
}

/* ---- before mounting ---- */

static int check_machine(void)
{
	autofd fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	g_autofree char *program = NULL;
	int r;

	if (fd < 0) {
		r = -errno;
		if (r == -EACCES || r == -EPERM)
			log_error(
				"no permission to open /dev/fuse: let the administrator chmod 666 "
				"/dev/fuse, or in a container add --device /dev/fuse");
		else if (r == -ENOENT || r == -ENODEV || r == -ENXIO)
			log_error("/dev/fuse is missing: load the kernel's module with modprobe "
				  "fuse, or in a container add --device /dev/fuse");
		else
			log_errno(r, "cannot open /dev/fuse");
		return r;
	}
	if (geteuid() == 0)
		return 0;
	r = helper_find_fusermount(&program);
	if (r < 0)
		log_error("fusermount3 is missing, which an ordinary user needs to mount: install "
			  "the "
			  "package fuse3");
	return r;
}

/* What serving needs of the process. */
static void prepare_process(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL};
	struct rlimit limit;

	if (chdir("/") < 0)
		log_errno(-errno, "cannot leave the working directory");
	umask(0);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGCHLD, &normal, NULL);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- mounting and serving ---- */

static int refuse_mount(const Served *served, const char *said)
{
	g_autofree char *text = steal_complaint();
	const char *why = said ? said : text ? text : "libfuse does not say why";

	if (strstr(why, "not permitted") || (geteuid() == 0 && strstr(why, "fusermount3")))
		log_error("mounting over %s is not permitted here: in a container add --device "
			  "/dev/fuse --cap-add SYS_ADMIN (%s)",
			served->dir, why);
	else
		log_error("cannot mount over %s: %s", served->dir, why);
	return -EPERM;
}

/* root_fd: taken over. */
static int served_mount(Served *served, int *root_fd, unsigned *ret_minor)
{
	const Session *session = served->session;
	const Options *options = session->options;
	g_autofree char *said = NULL;
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *mount;
	int r, real_fd;

	r = fs_new(options, session->inputs, journal_file_outbox(session->journal),
		fd_steal(root_fd), served->dir, &served->fs);
	if (r < 0)
		return log_errno(r, "cannot take %s over", served->dir);
	served->se = make_fuse_session(
		options, served->dir, &request_ops, sizeof request_ops, served->fs);
	if (!served->se)
		return refuse_mount(served, NULL);

	real_fd = stderr_begin();
	r = fuse_session_mount(served->se, served->dir);
	said = stderr_end(real_fd);
	if (r < 0)
		return refuse_mount(served, said);
	served->mounted = true;

	r = helper_read_mounts(&mounts);
	if (r < 0)
		return r;
	mount = helper_top_mount(mounts, served->dir);
	if (!mount || !helper_is_lklfs(mount)) {
		log_error("the mount over %s is not in the mount table: is something else mounted "
			  "there?",
			served->dir);
		return -EIO;
	}
	served->mount_id = mount->id;
	*ret_minor = mount->minor;
	return 0;
}

static unsigned served_minor(const Served *served)
{
	return served->session->minors[served - served->session->served];
}

/* Our own entry in the table, or NULL. */
static const Mount *find_own(const Served *served, const GPtrArray *mounts)
{
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];

		if (mount->id == served->mount_id && mount->major == 0 &&
			mount->minor == served_minor(served) && !strcmp(mount->dir, served->dir))
			return mount;
	}
	return NULL;
}

/* After the end: whether it is still in the table, and then takes it away. All the numbers can
 * belong to a new mount by now, but that one is not dead. */
static bool remove_dead(const Served *served)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *own;
	int r;

	if (helper_read_mounts(&mounts) < 0)
		return false;
	own = find_own(served, mounts);
	if (!own || helper_read_status(own, DEAD_TIMEOUT_MS, NULL) != -ENOTCONN)
		return false;
	if (helper_top_mount(mounts, served->dir) == own) {
		r = helper_unmount(own, true);
		if (r < 0)
			log_errno(r, "cannot unmount %s", served->dir);
	}
	return true;
}

static void add_event(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof one) != sizeof one)
		log_errno(-errno, "cannot signal an event");
}

/* Gives up what a mount holds. After an unmount fuse_session_unmount() only closes the device. */
static void served_release(Served *served)
{
	if (served->mounted)
		fuse_session_unmount(served->se);
	served->mounted = false;
	g_clear_pointer(&served->se, fuse_session_destroy);
	if (served->fs)
		record_end(served->fs);
	served->fs = fs_free(served->fs);
}

/* A thread for each mount: sees it through to its end. */
static void *served_wait(void *p)
{
	Served *served = p;
	Session *session = served->session;
	bool aborted;
	int r;

	request_join(served->fs);
	atomic_store(&served->over, true);
	aborted = remove_dead(served) || atomic_load(&served->aborted);
	r = fs_finish(served->fs, aborted);
	record_end(served->fs);

	HOLD(&session->lock);
	journal_sum(fs_journal(served->fs), &session->totals);
	session->totals.n_outdated += fs_count_outdated(served->fs);
	served_release(served);
	if (r < 0 && session->error == 0)
		session->error = r;
	session->n_ended++;
	add_event(session->one_end_fd);
	if (session->n_ended == session->n_served)
		add_event(session->end_fd);
	return NULL;
}

/* Some threads may serve already. They end with the connection; if that cannot be had, nothing can
 * be taken back. */
static void served_take_back(Served *served)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *own = helper_read_mounts(&mounts) < 0 ? NULL : find_own(served, mounts);

	if ((!own || helper_unmount(own, true) < 0) && helper_abort(served_minor(served)) < 0) {
		log_end_thread();
		_exit(1);
	}
	request_join(served->fs);
	fs_finish(served->fs, true);
}

static int served_start(Served *served)
{
	int r;

	r = record_begin(served->fs);
	if (r == 0)
		r = request_start(served->fs, served->se, served->session->ready_fd);
	if (r == 0)
		r = -pthread_create(&served->waiter, NULL, served_wait, served);
	served->serving = r == 0;
	if (r == 0)
		return 0;
	log_errno(r, "cannot serve %s", served->dir);
	served_take_back(served);
	return r;
}

static int wait_ready(Session *session)
{
	uint64_t n_ready = 0;

	while (n_ready < session->n_served) {
		struct pollfd p[] = {
			{.fd = session->ready_fd, .events = POLLIN},
			{.fd = session->one_end_fd, .events = POLLIN},
		};
		uint64_t n;

		if (poll(p, G_N_ELEMENTS(p), -1) < 0 && errno != EINTR)
			return log_errno(-errno, "cannot wait for the kernel");
		if (p[1].revents) {
			log_error(
				"a mount ended before it was ready: somebody unmounted it, or the "
				"kernel's FUSE is too old");
			return -EIO;
		}
		if (p[0].revents && read(session->ready_fd, &n, sizeof n) == sizeof n)
			n_ready += n;
	}
	return 0;
}

/* ---- the session ---- */

/* At any stage of a start, or after the end. */
static Session *session_free(Session *session)
{
	if (!session)
		return NULL;
	session_unmount(session);
	for (size_t i = 0; i < session->n_served; i++) {
		Served *served = &session->served[i];

		if (served->serving)
			pthread_join(served->waiter, NULL);
		served_release(served);
		target_clear(&session->targets[i]);
	}
	session->watch = watch_free(session->watch);
	session->journal = journal_file_free(session->journal);
	log_end_thread();
	fd_clear(&session->journal_fd);
	fd_clear(&session->lines_fd);
	fd_clear(&session->log_fd);
	fd_clear(&session->ready_fd);
	fd_clear(&session->one_end_fd);
	fd_clear(&session->end_fd);
	inputs_free(session->inputs);
	pthread_mutex_destroy(&session->lock);
	g_free(session->served);
	g_free(session->targets);
	g_free(session->minors);
	g_free(session->dirs);
	g_free(session);
	return NULL;
}

static void session_clear(Session **session)
{
	*session = session_free(*session);
}

static Session *session_new(const Options *options)
{
	Session *session = g_new0(Session, 1);

	session->options = options;
	session->n_served = g_strv_length(options->dirs);
	session->targets = g_new0(Target, session->n_served);
	session->served = g_new0(Served, session->n_served);
	session->dirs = g_new0(char *, session->n_served + 1);
	session->minors = g_new0(unsigned, session->n_served);
	session->inputs = inputs_new();
	pthread_mutex_init(&session->lock, NULL);
	session->log_fd = session->journal_fd = session->lines_fd = -1;
	session->ready_fd = eventfd(0, EFD_CLOEXEC);
	session->one_end_fd = eventfd(0, EFD_CLOEXEC);
	session->end_fd = eventfd(0, EFD_CLOEXEC);
	for (size_t i = 0; i < session->n_served; i++) {
		session->served[i].session = session;
		target_init(&session->targets[i], options->dirs[i]);
	}
	return session;
}

/* Opens a file for what is to be told of the mounts; what: what it is called. *ret_fd stays as it
 * is if there is none. */
static int open_teller(
	const Session *session, const char *what, const char *file, mode_t mode, int *ret_fd)
{
	g_autoptr(GPtrArray) mounts = NULL;
	g_autofree char *path = NULL;
	int r;

	if (!file)
		return 0;
	r = helper_read_mounts(&mounts);
	if (r < 0)
		return r;
	/* It would be hidden below the mount that it is about. One that cannot be found cannot be
	 * opened either. */
	if (helper_resolve(mounts, file, &path) == 0)
		for (size_t i = 0; i < session->n_served; i++)
			if (session->dirs[i] && helper_is_inside(path, session->dirs[i]))
				return log_error("the %s %s would be hidden by the mount over %s: "
						 "put it elsewhere",
					what, file, session->dirs[i]);
	return log_open(what, file, mode, ret_fd) < 0 ? -EINVAL : 0;
}

static int session_find(Session *session)
{
	int r;

	r = target_find(session->targets, session->n_served, session->options->mkdir);
	if (r < 0)
		return r;
	for (size_t i = 0; i < session->n_served; i++)
		session->served[i].dir = session->dirs[i] = session->targets[i].dir;
	r = open_teller(session, "log", session->options->log, 0644, &session->log_fd);
	if (r == 0)
		r = open_teller(
			session, "journal", session->options->journal, 0600, &session->journal_fd);
	return r;
}

/* What writes the journal, to its file, or for the report, or both. -errno is said. */
static int session_open_journal(Session *session)
{
	const Options *options = session->options;
	const char *name = options->journal ? options->journal : "of --report";
	autofd copy_fd = -1;
	int r;

	if (options->report) {
		session->lines_fd = memfd_create("lklfs-journal", MFD_CLOEXEC);
		copy_fd = fcntl(session->lines_fd, F_DUPFD_CLOEXEC, 0);
		if (copy_fd < 0)
			return log_errno(-errno, "cannot keep the journal for --report");
	}
	if (session->journal_fd < 0)
		session->journal_fd = fd_steal(&copy_fd);
	if (session->journal_fd < 0)
		return 0;
	r = journal_file_new(
		fd_steal(&session->journal_fd), fd_steal(&copy_fd), name, &session->journal);
	if (r < 0)
		return log_errno(r, "cannot write the journal %s", name);
	return 0;
}

/* What was found is opened, mounted and served. */
static int session_go(Session *session)
{
	int r;

	if (session->ready_fd < 0 || session->one_end_fd < 0 || session->end_fd < 0)
		return log_errno(-errno, "cannot create an event descriptor");
	r = check_machine();
	if (r < 0)
		return r;
	r = target_open(session->targets, session->n_served, session->options->read_only);
	if (r < 0)
		return r;
	prepare_process();
	session->watch = watch_new();
	r = session_open_journal(session);
	if (r < 0)
		return r;
	for (size_t i = 0; i < session->n_served; i++) {
		r = served_mount(&session->served[i], &session->targets[i].fd, &session->minors[i]);
		if (r < 0)
			return r;
		watch_add(session->watch, session->minors[i]);
	}
	r = log_begin_thread();
	if (r < 0)
		return log_errno(r, "cannot serve %s", session->dirs[0]);
	for (size_t i = 0; i < session->n_served; i++) {
		r = served_start(&session->served[i]);
		if (r < 0)
			return r;
	}
	return wait_ready(session);
}

int session_start(const Options *options, Session **ret_session)
{
	__attribute__((cleanup(session_clear))) Session *session = session_new(options);
	int r;

	r = session_find(session);
	if (r < 0)
		return r;
	r = session_go(session);
	if (r < 0)
		return r == -EINVAL ? -EIO : r;
	if (session->log_fd >= 0)
		log_to_file(fd_steal(&session->log_fd));
	*ret_session = g_steal_pointer(&session);
	return 0;
}

/* Unmounts one place where a mount shows: its own, or one it was bound to. */
static void unmount_place(const Mount *mount)
{
	int r;

	r = helper_unmount(mount, false);
	if (r == -EBUSY) {
		g_autofree char *holders = helper_name_holders(mount->minor);

		log_warning(
			"%s is in use%s%s: it is detached, and ends when nobody uses it any more",
			mount->dir, *holders ? " by " : "", holders);
		r = helper_unmount(mount, true);
	}
	if (r < 0)
		log_errno(r, "cannot unmount %s", mount->dir);
}

static void served_unmount(Served *served)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *own;
	int r;

	if (!served->serving || atomic_load(&served->over) || helper_read_mounts(&mounts) < 0)
		return;
	own = find_own(served, mounts);
	if (own) {
		r = helper_read_status(own, SYNC_TIMEOUT_MS, NULL);
		if (r == -ETIMEDOUT)
			log_warning("%s did not answer before it was unmounted", served->dir);
	}
	for (guint i = mounts->len; i > 0; i--) {
		const Mount *mount = mounts->pdata[i - 1];

		if (mount->major != 0 || mount->minor != served_minor(served) ||
			!helper_is_lklfs(mount))
			continue;
		if (helper_top_mount(mounts, mount->dir) == mount)
			unmount_place(mount);
		else
			log_warning("%s cannot be unmounted while something else is mounted over "
				    "it: unmount that, then lklfs umount it",
				mount->dir);
	}
}

void session_unmount(Session *session)
{
	for (size_t i = 0; i < session->n_served; i++)
		served_unmount(&session->served[i]);
}

void session_abort(Session *session)
{
	for (size_t i = 0; i < session->n_served; i++) {
		Served *served = &session->served[i];
		int r;

		if (atomic_load(&served->over))
			continue;
		log_warning("%s is still in use: it is cut off", served->dir);
		atomic_store(&served->aborted, true);
		r = helper_abort(served_minor(served));
		if (r < 0)
			log_errno(r, "cannot cut the connection of %s", served->dir);
	}
}

int session_end_fd(Session *session)
{
	return session->end_fd;
}

static void add_totals(const Totals *some, Totals *totals)
{
	for (int i = 0; i < N_VERDICTS; i++)
		totals->n_verdicts[i] += some->n_verdicts[i];
	totals->bytes_not_written += some->bytes_not_written;
	totals->n_outdated += some->n_outdated;
}

/* Of a journal's newest line, if it is later than that of *newest; both are to free. */
static void take_newest(Journal *journal, char **newest)
{
	g_autofree char *line = journal_newest(journal);
	g_autofree char *time = line ? journal_json_value(line, "time") : NULL;
	g_autofree char *other = *newest ? journal_json_value(*newest, "time") : NULL;

	/* All have the same number of digits. */
	if (g_strcmp0(time, other) > 0) {
		g_free(*newest);
		*newest = g_steal_pointer(&line);
	}
}

void session_look(Session *session, Totals *totals, char **ret_newest)
{
	g_autofree char *newest = NULL, *path = NULL;
	HOLD(&session->lock);

	add_totals(&session->totals, totals);
	/* Those that have ended are gone. */
	for (size_t i = 0; i < session->n_served; i++) {
		Fs *fs = session->served[i].fs;

		if (fs)
			journal_sum(fs_journal(fs), totals);
		if (fs && ret_newest)
			take_newest(fs_journal(fs), &newest);
	}
	if (!ret_newest)
		return;
	path = newest ? journal_json_value(newest, "path") : NULL;
	*ret_newest = journal_json_text(path);
}

int session_lines(Session *session)
{
	return fcntl(session->lines_fd, F_DUPFD_CLOEXEC, 0);
}

int session_finish(Session *session, Totals *totals)
{
	int r;

	for (size_t i = 0; i < session->n_served; i++) {
		pthread_join(session->served[i].waiter, NULL);
		session->served[i].serving = false;
	}
	add_totals(&session->totals, totals);
	r = session->error < 0 ? -EIO : 0;
	session_free(session);
	return r;
}

const char *const *session_mountpoints(Session *session)
{
	return (const char *const *)session->dirs;
}

const unsigned *session_minors(Session *session)
{
	return session->minors;
}
