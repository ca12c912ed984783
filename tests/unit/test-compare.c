/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "compare.h"

#include <sys/param.h>

#include "scratch.h"

#define KIB ((off_t)1024)
#define MIB ((off_t)1024 * 1024)
#define GIB ((off_t)1024 * 1024 * 1024)

/* ---- ranges ---- */

/* Sorted, none empty, none touching the next. */
static void check_shape(const Ranges *ranges)
{
	g_assert_cmpuint(ranges->n_items, <=, ranges->n_allocated);
	for (size_t i = 0; i < ranges->n_items; i++) {
		g_assert_cmpint(ranges->items[i].begin, <, ranges->items[i].end);
		if (i > 0)
			g_assert_cmpint(ranges->items[i - 1].end, <, ranges->items[i].begin);
	}
}

/* text: what the ranges are, "1-3 5-9" */
static void check_ranges(const Ranges *ranges, const char *text)
{
	g_autoptr(GString) got = g_string_new(NULL);

	check_shape(ranges);
	for (size_t i = 0; i < ranges->n_items; i++)
		g_string_append_printf(got, "%s%lld-%lld", i ? " " : "",
			(long long)ranges->items[i].begin, (long long)ranges->items[i].end);
	g_assert_cmpstr(got->str, ==, text);
}

static void test_ranges_add(void)
{
	Ranges ranges = {};

	check_ranges(&ranges, "");
	ranges_add(&ranges, 5, 5);
	ranges_add(&ranges, 7, 3);
	check_ranges(&ranges, "");
	ranges_add(&ranges, 10, 20);
	check_ranges(&ranges, "10-20");
	/* adjacent, behind and before */
	ranges_add(&ranges, 20, 25);
	check_ranges(&ranges, "10-25");
	ranges_add(&ranges, 8, 10);
	check_ranges(&ranges, "8-25");
	/* apart by one */
	ranges_add(&ranges, 26, 30);
	ranges_add(&ranges, 0, 7);
	check_ranges(&ranges, "0-7 8-25 26-30");
	/* contained, the same, at either edge */
	ranges_add(&ranges, 9, 10);
	ranges_add(&ranges, 8, 25);
	ranges_add(&ranges, 8, 9);
	ranges_add(&ranges, 24, 25);
	check_ranges(&ranges, "0-7 8-25 26-30");
	/* overlapping one, at either end */
	ranges_add(&ranges, 28, 33);
	check_ranges(&ranges, "0-7 8-25 26-33");
	ranges_add(&ranges, 50, 60);
	ranges_add(&ranges, 45, 55);
	check_ranges(&ranges, "0-7 8-25 26-33 45-60");
	/* joining two, and swallowing all */
	ranges_add(&ranges, 25, 26);
	check_ranges(&ranges, "0-7 8-33 45-60");
	ranges_add(&ranges, 30, 50);
	check_ranges(&ranges, "0-7 8-60");
	ranges_add(&ranges, 70, 80);
	ranges_add(&ranges, 5, 100);
	check_ranges(&ranges, "0-100");
	ranges_clear(&ranges);
	check_ranges(&ranges, "");
	ranges_add(&ranges, 1, 2);
	check_ranges(&ranges, "1-2");
	ranges_clear(&ranges);
}

static void test_ranges_large(void)
{
	Ranges ranges = {};

	/* as a file over 4 GiB has them: nothing may be cut to 32 bits */
	ranges_add(&ranges, 5 * GIB, 5 * GIB + 1);
	ranges_add(&ranges, GIB, GIB + 1);
	check_ranges(&ranges, "1073741824-1073741825 5368709120-5368709121");
	ranges_cut(&ranges, 5 * GIB);
	check_ranges(&ranges, "1073741824-1073741825");
	ranges_clear(&ranges);
}

static void test_ranges_cut(void)
{
	Ranges ranges = {};

	ranges_cut(&ranges, 0);
	ranges_add(&ranges, 0, 10);
	ranges_add(&ranges, 20, 30);
	ranges_add(&ranges, 40, 50);
	ranges_cut(&ranges, 50);
	check_ranges(&ranges, "0-10 20-30 40-50");
	ranges_cut(&ranges, 41);
	check_ranges(&ranges, "0-10 20-30 40-41");
	ranges_cut(&ranges, 40);
	check_ranges(&ranges, "0-10 20-30");
	ranges_cut(&ranges, 15);
	check_ranges(&ranges, "0-10");
	/* what was cut off does not come back */
	ranges_add(&ranges, 12, 13);
	check_ranges(&ranges, "0-10 12-13");
	ranges_cut(&ranges, 0);
	check_ranges(&ranges, "");
	ranges_clear(&ranges);
}

static void check_next(
	const Ranges *ranges, off_t offset, off_t end, off_t wanted_begin, off_t wanted_end)
{
	Range range = {-1, -1};

	ranges_next(ranges, offset, end, &range);
	g_assert_cmpint(range.begin, ==, wanted_begin);
	g_assert_cmpint(range.end, ==, wanted_end);
}

static void test_ranges_next(void)
{
	Ranges ranges = {};

	check_next(&ranges, 0, 100, 100, 100);
	ranges_add(&ranges, 10, 20);
	ranges_add(&ranges, 30, 40);
	check_next(&ranges, 0, 100, 10, 20);
	check_next(&ranges, 10, 100, 10, 20);
	check_next(&ranges, 15, 100, 15, 20);
	check_next(&ranges, 19, 100, 19, 20);
	check_next(&ranges, 20, 100, 30, 40);
	check_next(&ranges, 40, 100, 100, 100);
	/* none reaches behind end */
	check_next(&ranges, 0, 15, 10, 15);
	check_next(&ranges, 0, 11, 10, 11);
	check_next(&ranges, 0, 10, 10, 10);
	check_next(&ranges, 12, 13, 12, 13);
	check_next(&ranges, 22, 25, 25, 25);
	ranges_clear(&ranges);
}

#define ORACLE_SIZE 200

/* Whether ranges are what the bitmap says, and ranges_next() walks over just that. */
static void check_oracle(const Ranges *ranges, const bool *oracle)
{
	bool walked[ORACLE_SIZE] = {};
	off_t offset = 0;

	check_shape(ranges);
	while (offset < ORACLE_SIZE) {
		Range range;

		ranges_next(ranges, offset, ORACLE_SIZE, &range);
		g_assert_cmpint(range.begin, >=, offset);
		g_assert_cmpint(range.end, <=, ORACLE_SIZE);
		for (off_t i = range.begin; i < range.end; i++)
			walked[i] = true;
		offset = range.end;
	}
	g_assert_cmpmem(walked, sizeof(walked), oracle, ORACLE_SIZE);
}

static void test_ranges_random(void)
{
	for (int round = 0; round < 200; round++) {
		bool oracle[ORACLE_SIZE] = {};
		Ranges ranges = {};
		/* short ones make many ranges, long ones join them */
		int longest = g_test_rand_int_range(2, 40);

		for (int i = 0; i < 100; i++) {
			off_t begin = g_test_rand_int_range(0, ORACLE_SIZE);
			off_t end = begin + g_test_rand_int_range(0, longest);

			end = MIN(end, ORACLE_SIZE);
			if (g_test_rand_int_range(0, 20) == 0) {
				ranges_cut(&ranges, begin);
				memset(oracle + begin, false, (size_t)(ORACLE_SIZE - begin));
			} else {
				ranges_add(&ranges, begin, end);
				memset(oracle + begin, true, (size_t)(end - begin));
			}
			check_oracle(&ranges, oracle);
		}
		ranges_clear(&ranges);
	}
}

/* ---- buffers ---- */

static bool same_buffer(int fd, const void *buffer, size_t length, off_t offset)
{
	bool same = false, other = true;

	/* The answer does not depend on what was there before. */
	ASSERT_OK(compare_buffer(fd, buffer, length, offset, &same));
	ASSERT_OK(compare_buffer(fd, buffer, length, offset, &other));
	g_assert_cmpint(same, ==, other);
	return same;
}

static void test_buffer(void)
{
	const size_t size = 100 * 1000; /* more than one of the pieces it is compared in */
	const size_t places[] = {0, 1, 32767, 32768, 65535, 65536, 99998, 99999};
	g_autofree unsigned char *bytes = scratch_bytes(size, 1);
	autofd fd = scratch_file();

	scratch_write(fd, bytes, size, 0);
	g_assert_true(same_buffer(fd, bytes, size, 0));
	g_assert_true(same_buffer(fd, bytes + 777, size - 777, 777));
	g_assert_true(same_buffer(fd, bytes + 777, 1, 777));
	g_assert_true(same_buffer(fd, bytes, 0, 777));
	g_assert_false(same_buffer(fd, bytes, size - 1, 1));
	for (size_t k = 0; k < G_N_ELEMENTS(places); k++) {
		size_t i = places[k];

		bytes[i] ^= 1;
		g_assert_false(same_buffer(fd, bytes, size, 0));
		g_assert_true(same_buffer(fd, bytes, i, 0));
		g_assert_true(same_buffer(fd, bytes + i + 1, size - i - 1, (off_t)i + 1));
		bytes[i] ^= 1;
	}
}

static void test_buffer_at_end(void)
{
	static const char zeros[64 * 1024];
	autofd fd = scratch_file();

	/* A file that ends is not the same as zeros. */
	g_assert_false(same_buffer(fd, zeros, 1, 0));
	g_assert_true(same_buffer(fd, zeros, 0, 0));
	scratch_size(fd, 40 * 1000);
	g_assert_true(same_buffer(fd, zeros, 40 * 1000, 0));
	g_assert_false(same_buffer(fd, zeros, 40 * 1000 + 1, 0));
	g_assert_true(same_buffer(fd, zeros, 1, 40 * 1000 - 1));
	g_assert_false(same_buffer(fd, zeros, 2, 40 * 1000 - 1));
	g_assert_false(same_buffer(fd, zeros, 1, 40 * 1000));
	g_assert_false(same_buffer(fd, zeros, 1, 5 * GIB));
	g_assert_true(same_buffer(fd, zeros, 0, 5 * GIB));
}

static void test_errors(void)
{
	autofd dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd fd = scratch_file();
	bool same = true;

	scratch_write(fd, "x", 1, 0);
	ASSERT_ERROR(compare_buffer(dir_fd, "x", 1, 0, &same), EISDIR);
	ASSERT_ERROR(compare_buffer(-1, "x", 1, 0, &same), EBADF);
	ASSERT_ERROR(compare_zero(-1, 0, 1, &same), EBADF);
	ASSERT_ERROR(compare_files(fd, -1, 1, -1, &same), EBADF);
	ASSERT_ERROR(compare_files(-1, fd, 1, -1, &same), EBADF);
	ASSERT_ERROR(compare_files(-1, fd, 1, 0, &same), EBADF);
	g_assert_true(same);
	same = false;
	ASSERT_ERROR(compare_files(fd, -1, 1, -1, &same), EBADF);
	g_assert_false(same);
}

/* ---- zeros ---- */

static bool is_zero(int fd, off_t begin, off_t end)
{
	bool same = false, other = true;

	ASSERT_OK(compare_zero(fd, begin, end, &same));
	ASSERT_OK(compare_zero(fd, begin, end, &other));
	g_assert_cmpint(same, ==, other);
	return same;
}

static void test_zero(void)
{
	static const char zeros[300 * 1024];
	autofd fd = scratch_file();

	g_assert_true(is_zero(fd, 0, 0));
	scratch_size(fd, 2 * MIB);
	g_assert_true(is_zero(fd, 0, 2 * MIB));
	/* zeros that are there, in several pieces */
	scratch_write(fd, zeros, sizeof(zeros), 700 * KIB);
	g_assert_true(is_zero(fd, 0, 2 * MIB));
	scratch_write(fd, "x", 1, 900 * KIB);
	g_assert_false(is_zero(fd, 0, 2 * MIB));
	/* the bytes next to the range do not count, those at its edges do */
	g_assert_true(is_zero(fd, 0, 900 * KIB));
	g_assert_true(is_zero(fd, 900 * KIB + 1, 2 * MIB));
	g_assert_false(is_zero(fd, 0, 900 * KIB + 1));
	g_assert_false(is_zero(fd, 900 * KIB, 2 * MIB));
	g_assert_false(is_zero(fd, 900 * KIB, 900 * KIB + 1));
	g_assert_true(is_zero(fd, 900 * KIB, 900 * KIB));
	/* the very last byte */
	scratch_write(fd, "x", 1, 2 * MIB - 1);
	g_assert_false(is_zero(fd, 900 * KIB + 1, 2 * MIB));
	g_assert_true(is_zero(fd, 900 * KIB + 1, 2 * MIB - 1));
}

/* ---- files ---- */

/* Neither the order of the files, nor the hint, nor what was there before has a say. */
static bool same_files(int a_fd, int b_fd, off_t size)
{
	const off_t hints[] = {-1, 0, size / 2, size - 1, size, size + 1, 5 * GIB};
	bool same = false;

	ASSERT_OK(compare_files(a_fd, b_fd, size, -1, &same));
	for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
		bool other = !same;

		ASSERT_OK(compare_files(a_fd, b_fd, size, hints[i], &other));
		g_assert_cmpint(other, ==, same);
		ASSERT_OK(compare_files(b_fd, a_fd, size, hints[i], &other));
		g_assert_cmpint(other, ==, same);
	}
	return same;
}

static void test_files(void)
{
	const size_t size = 300 * 1000; /* several pieces, the last one not whole */
	const size_t places[] = {0, 1, 4095, 4096, 131071, 131072, 200000, 299999};
	g_autofree unsigned char *bytes = scratch_bytes(size, 2);
	autofd a_fd = scratch_file();
	autofd b_fd = scratch_file();

	g_assert_true(same_files(a_fd, b_fd, 0));
	scratch_write(a_fd, bytes, size, 0);
	scratch_write(b_fd, bytes, size, 0);
	g_assert_true(same_files(a_fd, b_fd, (off_t)size));
	g_assert_true(same_files(a_fd, a_fd, (off_t)size));
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		off_t place = (off_t)places[i];
		bool same = true;

		scratch_write(b_fd, "", 1, place);
		g_assert_false(same_files(a_fd, b_fd, (off_t)size));
		ASSERT_OK(compare_files(a_fd, b_fd, (off_t)size, place, &same));
		g_assert_false(same);
		/* what is at and behind size does not count */
		g_assert_true(same_files(a_fd, b_fd, place));
		g_assert_false(same_files(a_fd, b_fd, place + 1));
		scratch_write(b_fd, bytes + place, 1, place);
	}
	g_assert_true(same_files(a_fd, b_fd, (off_t)size));
}

/* What was read before of a file that has been cut short is not taken for what is there. */
static void test_files_short(void)
{
	const size_t size = 300 * 1000;
	g_autofree char *bytes = g_strnfill(size, 'x');
	autofd a_fd = scratch_file();
	autofd b_fd = scratch_file();

	scratch_write(a_fd, bytes, size, 0);
	scratch_write(b_fd, bytes, size, 0);
	g_assert_true(same_files(a_fd, b_fd, (off_t)size));
	scratch_size(b_fd, (off_t)size - 1);
	g_assert_false(same_files(a_fd, b_fd, (off_t)size));
	g_assert_true(same_files(a_fd, b_fd, (off_t)size - 1));
}

static void test_files_holes(void)
{
	static const char zeros[200 * 1024];
	autofd a_fd = scratch_file();
	autofd b_fd = scratch_file();

	scratch_size(a_fd, 4 * MIB);
	scratch_size(b_fd, 4 * MIB);
	g_assert_true(same_files(a_fd, b_fd, 4 * MIB));
	/* a hole is the same as zeros */
	scratch_write(a_fd, zeros, sizeof(zeros), MIB);
	g_assert_true(same_files(a_fd, b_fd, 4 * MIB));
	scratch_write(b_fd, zeros, sizeof(zeros), 2 * MIB);
	g_assert_true(same_files(a_fd, b_fd, 4 * MIB));
	/* and not the same as data, on either side */
	scratch_write(a_fd, "x", 1, 3 * MIB);
	g_assert_false(same_files(a_fd, b_fd, 4 * MIB));
	scratch_write(b_fd, "x", 1, 3 * MIB);
	g_assert_true(same_files(a_fd, b_fd, 4 * MIB));
	scratch_write(b_fd, "x", 1, 4 * MIB - 1);
	g_assert_false(same_files(a_fd, b_fd, 4 * MIB));
	g_assert_true(same_files(a_fd, b_fd, 4 * MIB - 1));
}

/* Over 4 GiB, and quick about it: the holes of both are not read. */
static void test_files_sparse(void)
{
	const off_t size = 9 * GIB, place = 8 * GIB + 5;
	autofd a_fd = scratch_file();
	autofd b_fd = scratch_file();
	int64_t before, after;

	if (ftruncate(a_fd, size) < 0) {
		g_test_skip("the file system has no files of this size");
		return;
	}
	scratch_size(b_fd, size);
	scratch_write(a_fd, "x", 1, place);
	scratch_write(b_fd, "x", 1, place);
	before = scratch_n_read();
	g_assert_true(same_files(a_fd, b_fd, size));
	g_assert_true(is_zero(a_fd, 0, place));
	g_assert_true(is_zero(a_fd, place + 1, size));
	after = scratch_n_read();
	if (before >= 0)
		g_assert_cmpint(after - before, <, 64 * MIB);
	scratch_write(b_fd, "y", 1, place);
	g_assert_false(same_files(a_fd, b_fd, size));
	g_assert_true(same_files(a_fd, b_fd, place));
	g_assert_false(is_zero(b_fd, 4 * GIB, size));
	/* a difference 4 GiB before a place is not mistaken for one there */
	scratch_write(b_fd, "x", 1, place);
	scratch_write(b_fd, "x", 1, place - 4 * GIB);
	g_assert_false(same_files(a_fd, b_fd, size));
	g_assert_true(same_files(a_fd, b_fd, place - 4 * GIB));
}

/* How much is read to find the one difference. */
static int64_t read_with_hint(int a_fd, int b_fd, off_t size, off_t hint)
{
	int64_t before = scratch_n_read();
	bool same = true;

	ASSERT_OK(compare_files(a_fd, b_fd, size, hint, &same));
	g_assert_false(same);
	return scratch_n_read() - before;
}

static void test_files_hint(void)
{
	const size_t size = (size_t)(4 * MIB);
	g_autofree unsigned char *bytes = scratch_bytes(size, 3);
	autofd a_fd = scratch_file();
	autofd b_fd = scratch_file();

	if (scratch_n_read() < 0) {
		g_test_skip("/proc/self/io does not say what is read");
		return;
	}
	scratch_write(a_fd, bytes, size, 0);
	scratch_write(b_fd, bytes, size, 0);
	scratch_write(b_fd, "", 1, (off_t)size - 1);
	g_assert_cmpint(read_with_hint(a_fd, b_fd, (off_t)size, -1), >=, 2 * (int64_t)size);
	/* looked at first, and enough */
	g_assert_cmpint(read_with_hint(a_fd, b_fd, (off_t)size, (off_t)size - 1), <, 64 * KIB);
	g_assert_cmpint(read_with_hint(a_fd, b_fd, (off_t)size, (off_t)size - 100), <, 64 * KIB);
}

static bool hole_at(int fd, size_t begin, size_t length)
{
	off_t data = lseek(fd, (off_t)begin, SEEK_DATA);

	return data < 0 || (size_t)data >= begin + length;
}

/* Random files of data and holes, different in one byte or in none. */
static void test_files_random(void)
{
	for (int round = 0; round < 30; round++) {
		const size_t size = (size_t)g_test_rand_int_range(1, 600 * 1000);
		g_autofree unsigned char *bytes = scratch_bytes(size, (guint32)round);
		g_autofree unsigned char *content = g_malloc0(size);
		off_t place = g_test_rand_int_range(0, (gint32)size);
		autofd a_fd = scratch_file();
		autofd b_fd = scratch_file();
		const int fds[] = {a_fd, b_fd};

		scratch_size(a_fd, (off_t)size);
		scratch_size(b_fd, (off_t)size);
		for (int i = 0; i < 8; i++) {
			size_t begin = (size_t)g_test_rand_int_range(0, (gint32)size);
			size_t n = (size_t)g_test_rand_int_range(0, (gint32)(size - begin) + 1);
			bool zeros = g_test_rand_bit();

			if (zeros)
				memset(content + begin, 0, n);
			else
				memcpy(content + begin, bytes + begin, n);
			/* where nothing has been written yet, zeros may be left a hole: in one of
			 * the two */
			for (size_t k = 0; k < G_N_ELEMENTS(fds); k++)
				if (!zeros || !hole_at(fds[k], begin, n) || g_test_rand_bit())
					scratch_write(fds[k], content + begin, n, (off_t)begin);
		}
		g_assert_true(same_files(a_fd, b_fd, (off_t)size));
		g_assert_true(same_buffer(a_fd, content, size, 0));
		content[place] ^= 1;
		scratch_write(b_fd, content + place, 1, place);
		g_assert_false(same_files(a_fd, b_fd, (off_t)size));
		g_assert_true(same_files(a_fd, b_fd, place));
	}
}

/* ---- how they differ ---- */

static void check_count(
	int a_fd, int b_fd, off_t size, off_t max, off_t first, uint64_t n, off_t end)
{
	off_t got_first = -1, got_end = -1;
	uint64_t got_n = 99;

	g_assert_cmpint(compare_count(a_fd, b_fd, size, max, &got_first, &got_n, &got_end), ==, 0);
	g_assert_cmpint(got_first, ==, first);
	g_assert_cmpuint(got_n, ==, n);
	g_assert_cmpint(got_end, ==, end);
}

static void test_count(void)
{
	autofd a_fd = scratch_file(), b_fd = scratch_file(), holes_fd = scratch_file();
	const off_t size = MIB + 5;

	for (off_t offset = 0; offset < size; offset += 5) {
		scratch_write(a_fd, "abcde", 5, offset);
		scratch_write(b_fd, "abcde", 5, offset);
	}
	check_count(a_fd, b_fd, size, size, size, 0, size);
	check_count(a_fd, b_fd, 0, 0, 0, 0, 0);
	/* the last byte, alone; and in a part where it is not */
	scratch_write(b_fd, "E", 1, size - 1);
	check_count(a_fd, b_fd, size, size, size - 1, 1, size);
	check_count(a_fd, b_fd, size - 1, size, size - 1, 0, size - 1);
	/* several, in several pieces, with a limit that ends among them */
	scratch_write(b_fd, "xyz", 3, 300 * KIB);
	scratch_write(b_fd, "Q", 1, 700 * KIB);
	check_count(a_fd, b_fd, size, size, 300 * KIB, 5, size);
	check_count(a_fd, b_fd, size, 2, 300 * KIB, 2, 300 * KIB + 2);
	check_count(a_fd, b_fd, size, 400 * KIB, 300 * KIB, 3, 700 * KIB);
	check_count(a_fd, b_fd, size, 400 * KIB + 1, 300 * KIB, 4, 700 * KIB + 1);
	check_count(a_fd, b_fd, size, 0, 300 * KIB, 0, 300 * KIB);
	/* a hole is zeros */
	g_assert_cmpint(ftruncate(holes_fd, 4 * MIB), ==, 0);
	check_count(holes_fd, a_fd, size, size, 0, (uint64_t)size, size);
	check_count(-1, a_fd, 0, 0, 0, 0, 0);
}

static void test_count_errors(void)
{
	autofd fd = scratch_file();
	off_t first, end;
	uint64_t n;

	scratch_write(fd, "abc", 3, 0);
	g_assert_cmpint(compare_count(-1, fd, 3, 3, &first, &n, &end), ==, -EBADF);
	g_assert_cmpint(compare_count(fd, -1, 3, 3, &first, &n, &end), ==, -EBADF);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compare/ranges-add", test_ranges_add);
	g_test_add_func("/compare/ranges-large", test_ranges_large);
	g_test_add_func("/compare/ranges-cut", test_ranges_cut);
	g_test_add_func("/compare/ranges-next", test_ranges_next);
	g_test_add_func("/compare/ranges-random", test_ranges_random);
	g_test_add_func("/compare/buffer", test_buffer);
	g_test_add_func("/compare/buffer-at-end", test_buffer_at_end);
	g_test_add_func("/compare/errors", test_errors);
	g_test_add_func("/compare/zero", test_zero);
	g_test_add_func("/compare/files", test_files);
	g_test_add_func("/compare/files-short", test_files_short);
	g_test_add_func("/compare/files-holes", test_files_holes);
	g_test_add_func("/compare/files-sparse", test_files_sparse);
	g_test_add_func("/compare/files-hint", test_files_hint);
	g_test_add_func("/compare/files-random", test_files_random);
	g_test_add_func("/compare/count", test_count);
	g_test_add_func("/compare/count-errors", test_count_errors);
	return g_test_run();
}
