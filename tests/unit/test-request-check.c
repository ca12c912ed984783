/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "request-check.h"

#include <limits.h>

#include "scratch.h"

/* A request with this body, in memory that ends with it. */
static int check(uint32_t opcode, const void *body, size_t size)
{
	const size_t whole = sizeof(struct fuse_in_header) + size;
	struct fuse_in_header *header = malloc(whole);
	int r;

	g_assert_nonnull(header);
	*header = (struct fuse_in_header){.opcode = opcode, .len = (uint32_t)whole};
	memcpy(header + 1, body, size);
	r = request_check(header, whole);
	free(header);
	return r;
}

static void test_names(void)
{
	g_autofree char *longest = g_strnfill(NAME_MAX, 'n'),
			*longer = g_strnfill(NAME_MAX + 1, 'n');

	ASSERT_OK(check(FUSE_LOOKUP, "a", 2));
	ASSERT_OK(check(FUSE_LOOKUP, "...", 4));
	ASSERT_OK(check(FUSE_LOOKUP, longest, NAME_MAX + 1));
	ASSERT_ERROR(check(FUSE_LOOKUP, longer, NAME_MAX + 2), ENAMETOOLONG);
	ASSERT_ERROR(check(FUSE_LOOKUP, "", 1), EINVAL);
	ASSERT_ERROR(check(FUSE_LOOKUP, ".", 2), EINVAL);
	ASSERT_ERROR(check(FUSE_LOOKUP, "..", 3), EINVAL);
	ASSERT_ERROR(check(FUSE_LOOKUP, "a/b", 4), EINVAL);
	ASSERT_ERROR(check(FUSE_LOOKUP, "a", 1), EINVAL);
	ASSERT_ERROR(check(FUSE_LOOKUP, "", 0), EINVAL);
}

/* A target may be anything. */
static void test_two_texts(void)
{
	char rename[sizeof(struct fuse_rename2_in) + 4] = "";

	ASSERT_OK(check(FUSE_SYMLINK, "a\0../x", 7));
	ASSERT_ERROR(check(FUSE_SYMLINK, "../x\0a", 7), EINVAL);
	ASSERT_ERROR(check(FUSE_SYMLINK, "a", 2), EINVAL);
	memcpy(rename + sizeof(struct fuse_rename2_in), "a\0b", 4);
	ASSERT_OK(check(FUSE_RENAME2, rename, sizeof(rename)));
	ASSERT_ERROR(check(FUSE_RENAME2, rename, sizeof(rename) - 1), EINVAL);
	ASSERT_ERROR(check(FUSE_RENAME2, rename, sizeof(rename) - 2), EINVAL);
	rename[sizeof(rename) - 2] = '/';
	ASSERT_ERROR(check(FUSE_RENAME2, rename, sizeof(rename)), EINVAL);
}

static void test_lengths(void)
{
	const struct {
		struct fuse_write_in in;
		char bytes[8];
	} write = {.in.size = 8}, more = {.in.size = 9};
	const struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one ones[2];
	} forget = {.in.count = 2}, many = {.in.count = UINT32_MAX};

	ASSERT_OK(check(FUSE_WRITE, &write, sizeof(write)));
	ASSERT_ERROR(check(FUSE_WRITE, &write, sizeof(write) - 1), EINVAL);
	ASSERT_ERROR(check(FUSE_WRITE, &more, sizeof(more)), EINVAL);
	ASSERT_OK(check(FUSE_BATCH_FORGET, &forget, sizeof(forget)));
	ASSERT_ERROR(check(FUSE_BATCH_FORGET, &many, sizeof(many)), EINVAL);
	ASSERT_ERROR(check(FUSE_OPEN, "1234567", 7), EINVAL);
	/* It is refused by libfuse. */
	ASSERT_OK(check(FUSE_POLL, "", 0));
	ASSERT_OK(check(4096, "", 0));
}

static void test_header(void)
{
	const struct fuse_in_header header = {.opcode = FUSE_STATFS, .len = sizeof(header) + 1};

	ASSERT_ERROR(request_check(&header, sizeof(header)), EINVAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/request-check/names", test_names);
	g_test_add_func("/request-check/two-texts", test_two_texts);
	g_test_add_func("/request-check/lengths", test_lengths);
	g_test_add_func("/request-check/header", test_header);
	return g_test_run();
}
