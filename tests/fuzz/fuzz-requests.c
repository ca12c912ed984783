/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sequences of requests to the request layer, over a directory of their own. The first byte says
 * how they are drawn (steps.h), the second which options hold; then each byte is a step, and what
 * it needs follows.
 *
 * Whatever comes, nothing hidden is left in the directory when all is closed, and nothing is made
 * beside it. */

#include "steps.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "backing.h"
#include "json.h"
#include "log.h"
#include "util.h"

#define N_STEPS_MAX 200

/* ---- what libfuse keeps ---- */

/* An interrupt that comes when its request has been answered waits for the next request, and is not
 * freed with the session. That all requests are answered is asserted anyway. */
const char *__lsan_default_suppressions(void);

__attribute__((used)) const char *__lsan_default_suppressions(void)
{
	return "leak:libfuse3\n";
}

/* ---- who calls ---- */

/* Starts a process of that name that waits for its parent's end. below: what its child is called,
 * or NULL; its pid is in the answer as well. */
static void start_caller(const char *name, const char *below, pid_t *ret_pid, pid_t *ret_below)
{
	int ready[2];
	pid_t pid;

	g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		pid_t child = 0;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (below)
			start_caller(below, NULL, &child, NULL);
		(void)!write(ready[1], &child, sizeof child);
		for (;;)
			pause();
	}
	*ret_pid = pid;
	close(ready[1]);
	pid = 0;
	g_assert_cmpint(read(ready[0], &pid, sizeof pid), ==, sizeof pid);
	if (ret_below)
		*ret_below = pid;
	close(ready[0]);
}

/* They live as long as this process does. */
static const pid_t *callers(void)
{
	static pid_t pids[8];

	if (pids[0])
		return pids;
	start_caller("sh", "cc", &pids[0], &pids[1]);
	start_caller("make", "cc", &pids[2], &pids[3]);
	start_caller("git", NULL, &pids[4], NULL);
	start_caller("make", "git", &pids[5], &pids[6]);
	pids[7] = INT32_MAX; /* nobody */
	return pids;
}

/* ---- more steps ---- */

static void step_caller(Fuzz *fuzz)
{
	uint8_t byte = bytes_next(&fuzz->in);

	fuzz->kernel.pid = byte & 0x40 ? 0 : fuzz->pids[byte & 7];
	/* Permissions are the kernel's to check, and a plain tree has none. */
	fuzz->kernel.uid = fuzz->raw && byte & 0x80 ? 65534 : 0;
}

/* From now on requests are sent without waiting for answers, or not any more. */
static void step_later(Fuzz *fuzz)
{
	fuzz->kernel.later = fuzz->raw && bytes_next(&fuzz->in) & 1;
}

static void step_interrupt(Fuzz *fuzz)
{
	kernel_interrupt(&fuzz->kernel);
}

static void step_cut(Fuzz *fuzz)
{
	if (fuzz->raw)
		fuzz->kernel.cut = 1 + bytes_below(&fuzz->in, 64);
}

/* Somebody changes the directory behind the mount. */
static void step_behind(Fuzz *fuzz)
{
	static const char *const paths[] = {"a", "b", "c", "d", "d/b", "d/a", "e", "h1"};
	const char *path = paths[bytes_below(&fuzz->in, G_N_ELEMENTS(paths))];
	const char *other = paths[bytes_below(&fuzz->in, G_N_ELEMENTS(paths))];
	int fd = -1;

	if (!fuzz->raw)
		return;
	fuzz->may_fail = true;
	switch (bytes_below(&fuzz->in, 6)) {
	case 0:
		(void)!unlinkat(fuzz->root_fd, path, 0);
		break;
	case 1:
		(void)!renameat(fuzz->root_fd, path, fuzz->root_fd, other);
		break;
	case 2:
		fd = openat(fuzz->root_fd, path,
			O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
		break;
	case 3:
		fd = openat(fuzz->root_fd, path,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		break;
	case 4:
		(void)!mkdirat(fuzz->root_fd, path, 0755);
		break;
	default:
		(void)!symlinkat(other, fuzz->root_fd, path);
	}
	if (fd >= 0)
		close(fd);
}

static Step *const steps_of_others[] = {
	step_caller, step_later, step_interrupt, step_cut, step_behind};

static void run_steps(Fuzz *fuzz)
{
	for (unsigned i = 0; i < N_STEPS_MAX && fuzz->in.size > 0; i++) {
		uint8_t byte = bytes_next(&fuzz->in);

		if (byte < 0x70)
			steps_of_files[byte % n_steps_of_files](fuzz);
		else if (byte < 0xe8)
			steps_of_names[byte % n_steps_of_names](fuzz);
		else
			steps_of_others[byte % G_N_ELEMENTS(steps_of_others)](fuzz);
	}
}

/* ---- the directory ---- */

static void add_file(File *dir, const char *name, const char *text, unsigned n)
{
	File *file = file_new(S_IFREG);

	for (unsigned i = 0; i < n; i++)
		file_write(file, text, strlen(text), (off_t)(i * strlen(text)));
	file_name(dir, name, file);
	file_unref(file);
}

/* What is there at the beginning. */
static File *make_tree(int fd)
{
	File *root = file_new(S_IFDIR), *dir = file_new(S_IFDIR);

	add_file(root, "a", "hello\n", 1);
	add_file(root, "b", "hello\n", 1500);
	add_file(root, "e", "", 0);
	add_file(root, "h1", "hello\n", 2);
	file_name(root, "h2", file_find(root, "h1"));
	file_find(root, "h1")->is_shared = true;
	add_file(dir, "b", "!<thin>\n", 2);
	file_name(root, "d", dir);
	file_unref(dir);
	file_make(root, fd);
	return root;
}

static int check_one(const char *path, const struct stat *st G_GNUC_UNUSED, int type G_GNUC_UNUSED,
	struct FTW *walk)
{
	if (backing_is_hidden(path + walk->base))
		g_error("left: %s", path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st G_GNUC_UNUSED, int type G_GNUC_UNUSED,
	struct FTW *walk G_GNUC_UNUSED)
{
	return remove(path);
}

/* Nothing but the directory itself is where it lies. */
static void check_beside(const char *base)
{
	DIR *stream = opendir(base);
	const struct dirent *entry;

	g_assert_nonnull(stream);
	while ((entry = readdir(stream)))
		g_assert_true(!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			      !strcmp(entry->d_name, "root"));
	closedir(stream);
}

static Options draw_options(uint8_t byte)
{
	Options options;

	options_init(&options);
	options.posix_locks = byte & 1;
	options.converge = byte & 2;
	options.durable = byte & 4;
	options.others = byte & 8;
	if (byte & 0x10)
		options.keep = 2;
	if (byte & 0x20)
		options.keep = 0;
	if (byte & 0x40)
		options.entry_timeout = options.attr_timeout = options.negative_timeout = 0;
	if (byte & 0x80) {
		g_strfreev(options.always);
		options.always = g_new0(char *, 1);
		options.always_builtin = false;
	}
	options.n_mounts = 1;
	return options;
}

static void fuzz_begin(Fuzz *fuzz, const char *path)
{
	const Options options = draw_options(bytes_next(&fuzz->in));
	File *root;

	umask(0);
	g_assert_cmpint(mkdir(path, 0755), ==, 0);
	fuzz->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fuzz->root_fd, >=, 0);
	memcpy(fuzz->pids, callers(), sizeof fuzz->pids);
	fuzz->files = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)file_unref);
	fuzz->opened = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)file_unref);
	root = make_tree(fuzz->root_fd);
	kernel_begin(
		&fuzz->kernel, &options, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "/fuzz");
	fuzz->kernel.pid = fuzz->pids[0];
	fuzz->root = root;
	if (!fuzz->raw)
		fuzz_know(fuzz, FUSE_ROOT_ID, root);
}

static void fuzz_end(Fuzz *fuzz, const char *base, const char *path)
{
	g_autofree char *status = fs_status(fuzz->kernel.fs);
	int r = kernel_end(&fuzz->kernel);

	g_assert_true(json_is_valid(status, NULL));
	g_assert_true(r == 0 || fuzz->may_fail);
	check_beside(base);
	nftw(path, check_one, 16, FTW_PHYS);
	if (!fuzz->raw)
		file_check(fuzz->root, fuzz->root_fd);
	g_hash_table_unref(fuzz->files);
	g_hash_table_unref(fuzz->opened);
	file_unref(fuzz->root);
	close(fuzz->root_fd);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void no_message(void)
{
	static bool done;

	if (!done && !g_getenv("FUZZ_TRACE"))
		log_to_file(open("/dev/null", O_WRONLY | O_CLOEXEC));
	done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char base[] = "fuzz-XXXXXX";
	g_autofree char *path = NULL;
	Fuzz fuzz = {.in = {data, size}};

	no_message();
	g_assert_nonnull(mkdtemp(base));
	path = g_build_filename(base, "root", NULL);
	fuzz.raw = bytes_next(&fuzz.in) & 1;
	fuzz_begin(&fuzz, path);
	run_steps(&fuzz);
	fuzz_end(&fuzz, base, path);
	return 0;
}
