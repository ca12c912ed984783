/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fileio.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/resource.h>

#include "scratch.h"

#define KIB ((off_t)1024)
#define MIB ((off_t)1024 * 1024)
#define GIB ((off_t)1024 * 1024 * 1024)

static off_t blocks_of(int fd)
{
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st.st_blocks * 512;
}

static off_t size_of(int fd)
{
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st.st_size;
}

/* The bytes of a file, zeros behind its end; to free. */
static unsigned char *content_of(int fd, size_t length)
{
	unsigned char *content = g_malloc0(length);

	g_assert_cmpint(pread(fd, content, length, 0), >=, 0);
	return content;
}

/* ---- reading and writing ---- */

/* To a pipe that has room for a part of it. */
static void test_write(void)
{
	char *text = g_malloc0(200000);
	int ends[2];
	size_t n = 99;

	g_assert_cmpint(pipe2(ends, O_NONBLOCK), ==, 0);
	ASSERT_OK(fileio_write(ends[1], "0123", 4, &n));
	g_assert_cmpuint(n, ==, 4);
	g_assert_cmpint(read(ends[0], text, 10), ==, 4);
	g_assert_cmpmem(text, 4, "0123", 4);
	ASSERT_ERROR(fileio_write(ends[1], text, 200000, &n), EAGAIN);
	g_assert_cmpuint(n, ==, 65536);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	ASSERT_ERROR(fileio_write(ends[1], text, 1, &n), EPIPE);
	g_assert_cmpuint(n, ==, 0);
	close(ends[1]);
	g_free(text);
}

static void test_pread(void)
{
	autofd dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd fd = scratch_file();
	char buffer[16] = "";
	size_t n = 99;

	scratch_write(fd, "0123456789", 10, 0);
	ASSERT_OK(fileio_pread(fd, buffer, 4, 3, &n));
	g_assert_cmpmem(buffer, n, "3456", 4);
	/* the file ends in between, at once, before, far before */
	ASSERT_OK(fileio_pread(fd, buffer, 16, 8, &n));
	g_assert_cmpmem(buffer, n, "89", 2);
	ASSERT_OK(fileio_pread(fd, buffer, 16, 10, &n));
	g_assert_cmpuint(n, ==, 0);
	n = 99;
	ASSERT_OK(fileio_pread(fd, buffer, 16, 11, &n));
	g_assert_cmpuint(n, ==, 0);
	n = 99;
	ASSERT_OK(fileio_pread(fd, buffer, 16, 5 * GIB, &n));
	g_assert_cmpuint(n, ==, 0);
	ASSERT_OK(fileio_pread(fd, buffer, 0, 0, &n));
	g_assert_cmpuint(n, ==, 0);
	/* results are written only on success */
	n = 99;
	ASSERT_ERROR(fileio_pread(dir_fd, buffer, 1, 0, &n), EISDIR);
	ASSERT_ERROR(fileio_pread(-1, buffer, 1, 0, &n), EBADF);
	g_assert_cmpuint(n, ==, 99);
}

static void test_pwrite(void)
{
	const size_t size = (size_t)MIB;
	g_autofree unsigned char *bytes = scratch_bytes(size, 1);
	g_autofree unsigned char *content = NULL;
	autofd full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	autofd fd = scratch_file();

	ASSERT_OK(fileio_pwrite(fd, bytes, size, 0));
	content = content_of(fd, size);
	g_assert_cmpmem(content, size, bytes, size);
	ASSERT_OK(fileio_pwrite(fd, "", 0, 5 * GIB));
	g_assert_cmpint(size_of(fd), ==, (off_t)size);
	ASSERT_OK(fileio_pwrite(fd, "x", 1, 5 * GIB));
	g_assert_cmpint(size_of(fd), ==, 5 * GIB + 1);
	ASSERT_ERROR(fileio_pwrite(-1, "x", 1, 0), EBADF);
	ASSERT_ERROR(fileio_pwrite(full_fd, "x", 1, 0), ENOSPC);
}

/* The kernel writes what fits below the limit and says so; the error comes with the rest. */
static void test_pwrite_short(void)
{
	struct rlimit old, limit;
	autofd fd = scratch_file();

	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	limit = (struct rlimit){5, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	int r = fileio_pwrite(fd, "0123456789", 10, 0);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	signal(SIGXFSZ, SIG_DFL);
	ASSERT_ERROR(r, EFBIG);
	g_assert_cmpint(size_of(fd), ==, 5);
}

static void test_all_zero(void)
{
	char buffer[300] = "";

	g_assert_true(fileio_all_zero(NULL, 0));
	for (size_t n = 0; n <= sizeof(buffer); n++)
		g_assert_true(fileio_all_zero(buffer, n));
	for (size_t i = 0; i < sizeof(buffer); i++) {
		buffer[i] = i % 2 ? 1 : -128;
		g_assert_false(fileio_all_zero(buffer, sizeof(buffer)));
		g_assert_false(fileio_all_zero(buffer, i + 1));
		g_assert_true(fileio_all_zero(buffer, i));
		g_assert_true(fileio_all_zero(buffer + i + 1, sizeof(buffer) - i - 1));
		buffer[i] = 0;
	}
}

/* ---- holes ---- */

static off_t next_data(int fd, off_t offset, off_t end)
{
	off_t data = -1;

	ASSERT_OK(fileio_next_data(fd, offset, end, &data));
	return data;
}

/* Files with holes are asked for; where there are none, the tests of them say nothing. */
static bool has_holes(void)
{
	autofd fd = scratch_file();

	scratch_size(fd, MIB);
	return lseek(fd, 0, SEEK_DATA) < 0 && blocks_of(fd) == 0;
}

static void test_next_data(void)
{
	autofd fd = scratch_file();
	off_t data = -1;

	g_assert_cmpint(next_data(fd, 0, 10), ==, 10);
	scratch_write(fd, "x", 1, 0);
	g_assert_cmpint(next_data(fd, 0, 1), ==, 0);
	g_assert_cmpint(next_data(fd, 1, 10), ==, 10);
	g_assert_cmpint(next_data(fd, 0, 0), ==, 0);
	if (!has_holes()) {
		g_test_skip("the file system does not know holes");
		return;
	}
	scratch_size(fd, 9 * GIB);
	scratch_write(fd, "x", 1, 5 * GIB + 3 * MIB);
	g_assert_cmpint(next_data(fd, MIB, 9 * GIB), ==, 5 * GIB + 3 * MIB);
	g_assert_cmpint(next_data(fd, 5 * GIB + 3 * MIB, 9 * GIB), ==, 5 * GIB + 3 * MIB);
	g_assert_cmpint(next_data(fd, 5 * GIB + 4 * MIB, 9 * GIB), ==, 9 * GIB);
	/* never behind end */
	g_assert_cmpint(next_data(fd, MIB, 2 * MIB), ==, 2 * MIB);
	ASSERT_ERROR(fileio_next_data(-1, 0, 10, &data), EBADF);
	g_assert_cmpint(data, ==, -1);
}

/* ---- copying ---- */

static void test_copy_keeps_holes(void)
{
	g_autofree unsigned char *bytes = scratch_bytes((size_t)MIB, 2);
	autofd from_fd = scratch_file();
	autofd to_fd = scratch_file();
	g_autofree unsigned char *from = NULL, *to = NULL;

	if (!has_holes()) {
		g_test_skip("the file system does not know holes");
		return;
	}
	scratch_size(from_fd, 64 * MIB);
	scratch_write(from_fd, bytes, 100 * 1000, 0);
	scratch_write(from_fd, bytes, (size_t)MIB, 30 * MIB);
	scratch_write(from_fd, bytes, 1, 64 * MIB - 1);
	ASSERT_OK(fileio_copy(from_fd, to_fd, 0, 64 * MIB));
	from = content_of(from_fd, (size_t)(64 * MIB));
	to = content_of(to_fd, (size_t)(64 * MIB));
	g_assert_cmpmem(to, (size_t)(64 * MIB), from, (size_t)(64 * MIB));
	g_assert_cmpint(blocks_of(from_fd), <, 4 * MIB);
	/* the copy needs no more room than the original, a few odd blocks left aside */
	g_assert_cmpint(blocks_of(to_fd), <=, blocks_of(from_fd) + 64 * KIB);
}

/* Over 4 GiB, none of it real. */
static void test_copy_sparse(void)
{
	autofd from_fd = scratch_file();
	autofd to_fd = scratch_file();
	char buffer[3] = "";

	if (!has_holes()) {
		g_test_skip("the file system does not know holes");
		return;
	}
	scratch_size(from_fd, 9 * GIB);
	scratch_size(to_fd, 9 * GIB);
	scratch_write(from_fd, "a", 1, 1);
	scratch_write(from_fd, "b", 1, 5 * GIB + 1);
	scratch_write(from_fd, "c", 1, 9 * GIB - 1);
	ASSERT_OK(fileio_copy(from_fd, to_fd, 0, 9 * GIB));
	g_assert_cmpint(pread(to_fd, buffer, 1, 1), ==, 1);
	g_assert_cmpint(pread(to_fd, buffer + 1, 1, 5 * GIB + 1), ==, 1);
	g_assert_cmpint(pread(to_fd, buffer + 2, 1, 9 * GIB - 1), ==, 1);
	g_assert_cmpmem(buffer, 3, "abc", 3);
	g_assert_cmpint(size_of(to_fd), ==, 9 * GIB);
	g_assert_cmpint(blocks_of(to_fd), <, 2 * MIB);
}

/* What is copied is the range and nothing beside it; a range may end behind the file. */
static void check_copy(int from_fd, int to_fd, size_t size, off_t offset, off_t length)
{
	g_autofree unsigned char *from = content_of(from_fd, size);
	g_autofree unsigned char *wanted = g_malloc0(size);
	g_autofree unsigned char *to = NULL;
	off_t end = MIN(offset + length, (off_t)size);

	if (offset < end)
		memcpy(wanted + offset, from + offset, (size_t)(end - offset));
	ASSERT_OK(fileio_copy(from_fd, to_fd, offset, length));
	to = content_of(to_fd, size);
	g_assert_cmpmem(to, size, wanted, size);
	g_assert_cmpint(size_of(to_fd), <=, end > offset ? end : 0);
}

static void test_copy_ranges(void)
{
	const size_t size = (size_t)MIB + 777;
	g_autofree unsigned char *bytes = scratch_bytes(size, 3);
	const off_t ends[] = {0, 1, 4095, 4096, 4097, 300000, MIB, MIB + 776, MIB + 777};
	autofd from_fd = scratch_file();

	scratch_write(from_fd, bytes, size, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		for (size_t k = i; k < G_N_ELEMENTS(ends); k++) {
			autofd to_fd = scratch_file();

			check_copy(from_fd, to_fd, size, ends[i], ends[k] - ends[i]);
		}
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		autofd to_fd = scratch_file();

		check_copy(from_fd, to_fd, size, ends[i], 5 * GIB);
	}
}

/* A file of random stretches of data in a hole; to close. */
static int random_file(const unsigned char *bytes, size_t size)
{
	int fd = scratch_file();

	scratch_size(fd, (off_t)size);
	for (int i = 0; i < 5; i++) {
		size_t begin = (size_t)g_test_rand_int_range(0, (gint32)size);
		size_t n = (size_t)g_test_rand_int_range(0, 50 * 1000);

		scratch_write(fd, bytes + begin, MIN(n, size - begin), (off_t)begin);
	}
	return fd;
}

static void check_copy_random(int to_fd, guint32 seed)
{
	const size_t size = (size_t)g_test_rand_int_range(1, 600 * 1000);
	g_autofree unsigned char *bytes = scratch_bytes(size, seed);
	autofd from_fd = random_file(bytes, size);
	off_t offset = g_test_rand_int_range(0, (gint32)size);

	check_copy(from_fd, to_fd, size, offset, g_test_rand_int_range(0, 700 * 1000));
}

static void test_copy_random(void)
{
	for (guint32 i = 0; i < 50; i++) {
		autofd to_fd = scratch_file();

		check_copy_random(to_fd, i);
	}
}

/* From one file system to another the kernel does not copy: by hand, then. */
static void test_copy_across(void)
{
	for (guint32 i = 0; i < 50; i++) {
		autofd to_fd = memfd_create("unit", MFD_CLOEXEC);

		check_copy_random(to_fd, i);
	}
}

/* Pieces that come in any order make a whole. */
static void test_copy_pieces(void)
{
	const size_t size = 500 * 1000;
	g_autofree unsigned char *bytes = scratch_bytes(size, 4);
	g_autofree unsigned char *to = NULL;
	const off_t cuts[] = {0, 1234, 100000, 262144, 400000, 500000};
	const size_t order[] = {3, 0, 4, 2, 1};
	autofd from_fd = scratch_file();
	autofd to_fd = scratch_file();

	scratch_write(from_fd, bytes, size, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		ASSERT_OK(fileio_copy(
			from_fd, to_fd, cuts[order[i]], cuts[order[i] + 1] - cuts[order[i]]));
	to = content_of(to_fd, size);
	g_assert_cmpmem(to, size, bytes, size);
}

static void test_copy_errors(void)
{
	autofd from_fd = scratch_file();
	autofd to_fd = scratch_file();
	autofd full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	autofd null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	scratch_write(from_fd, "0123456789", 10, 0);
	ASSERT_OK(fileio_copy(-1, -1, 0, 0));
	ASSERT_ERROR(fileio_copy(-1, to_fd, 0, 10), EBADF);
	ASSERT_ERROR(fileio_copy(from_fd, -1, 0, 10), EBADF);
	ASSERT_ERROR(fileio_copy(from_fd, null_fd, 0, 10), EBADF);
	ASSERT_ERROR(fileio_copy(from_fd, full_fd, 0, 10), ENOSPC);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fileio/write", test_write);
	g_test_add_func("/fileio/pread", test_pread);
	g_test_add_func("/fileio/pwrite", test_pwrite);
	g_test_add_func("/fileio/pwrite-short", test_pwrite_short);
	g_test_add_func("/fileio/all-zero", test_all_zero);
	g_test_add_func("/fileio/next-data", test_next_data);
	g_test_add_func("/fileio/copy-keeps-holes", test_copy_keeps_holes);
	g_test_add_func("/fileio/copy-sparse", test_copy_sparse);
	g_test_add_func("/fileio/copy-ranges", test_copy_ranges);
	g_test_add_func("/fileio/copy-random", test_copy_random);
	g_test_add_func("/fileio/copy-across", test_copy_across);
	g_test_add_func("/fileio/copy-pieces", test_copy_pieces);
	g_test_add_func("/fileio/copy-errors", test_copy_errors);
	return g_test_run();
}
