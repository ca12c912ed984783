/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mount tables, as of mountinfo(5). What is understood is the same when it is written as the kernel
 * does and read again; and whatever mount is said to be on whatever, every walk comes to an end. */

#include "fuzz.h"

#include "mount-helper.h"

#define TEXT_MAX 4096

/* As the kernel's mangle(). */
static void add_escaped(GString *out, const char *text)
{
	for (; *text; text++)
		g_string_append_printf(
			out, strchr(" \t\n\\#", *text) ? "\\%03o" : "%c", (unsigned char)*text);
}

static void add_line(GString *out, const Mount *mount)
{
	g_string_append_printf(
		out, "%d %d %u:%u ", mount->id, mount->parent_id, mount->major, mount->minor);
	add_escaped(out, mount->root);
	g_string_append_c(out, ' ');
	add_escaped(out, mount->dir);
	g_string_append(out, " rw,relatime shared:1 master:2 - ");
	add_escaped(out, mount->type);
	g_string_append_printf(
		out, " source rw,user_id=%u,group_id=%u,x=1\n", mount->uid, mount->gid);
}

static void check_round_trip(const GPtrArray *mounts)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) again = NULL;

	for (unsigned i = 0; i < mounts->len; i++)
		add_line(text, mounts->pdata[i]);
	again = helper_parse_mounts(text->str);
	g_assert_cmpuint(again->len, ==, mounts->len);
	for (unsigned i = 0; i < mounts->len; i++) {
		const Mount *a = mounts->pdata[i], *b = again->pdata[i];

		g_assert_true(a->id == b->id && a->parent_id == b->parent_id &&
			      a->major == b->major && a->minor == b->minor && a->uid == b->uid &&
			      a->gid == b->gid);
		g_assert_cmpstr(a->root, ==, b->root);
		g_assert_cmpstr(a->dir, ==, b->dir);
		g_assert_cmpstr(a->type, ==, b->type);
	}
}

static void check_walks(const GPtrArray *mounts)
{
	for (unsigned i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i], *top, *around;

		(void)helper_is_lklfs(mount);
		(void)helper_mount_below(mounts, mount);
		/* Only such a path is canonical. */
		if (*mount->dir != '/')
			continue;
		top = helper_top_mount(mounts, mount->dir);
		around = helper_mount_around(mounts, mount->dir);
		g_assert_true(!top || top == around);
		g_assert_true(!top || !strcmp(top->dir, mount->dir));
		g_assert_true(!around || helper_is_inside(mount->dir, around->dir));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes in = {data, size};
	g_autofree char *text = bytes_text(&in, TEXT_MAX);
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(text);

	check_round_trip(mounts);
	check_walks(mounts);
	return 0;
}
