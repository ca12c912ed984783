/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names that lklfs makes, and that anybody can: what is taken for one of its own is written just
 * so. Odd first byte: any text behind the prefix. Even: a name with numbers by lot, which is to be
 * had back. */

#include "fuzz.h"

#include <inttypes.h>

#include "backing.h"

/* The numbers of a name, separated by hyphens; what would not come out the same does not count. */
static bool is_ours(const char *rest, uint64_t *ret_numbers, unsigned *ret_n)
{
	g_auto(GStrv) words = g_strsplit(rest, "-", -1);
	unsigned n = g_strv_length(words);

	for (unsigned i = 0; i < n && i < 5; i++) {
		g_autofree char *again = NULL;

		ret_numbers[i] = g_ascii_strtoull(words[i], NULL, 10);
		again = g_strdup_printf("%" PRIu64, ret_numbers[i]);
		if (strcmp(again, words[i]) != 0)
			return false;
	}
	*ret_n = n;
	return n >= 3 && n <= 5 && ret_numbers[0] <= INT32_MAX && ret_numbers[2] <= UINT32_MAX;
}

static void check_name(const char *name)
{
	uint64_t numbers[5] = {0}, birth = 0;
	unsigned n = 0;
	ino_t ino = 0;
	bool ours = is_ours(name + strlen(BACKING_HIDDEN_PREFIX), numbers, &n);
	bool through = backing_is_through(name, &ino, &birth);

	g_assert_true(backing_is_hidden(name));
	if (ours)
		g_assert_true(backing_is_made(name));
	/* What is swept has to be lklfs's own. */
	else
		g_assert_false(backing_is_made(name));
	g_assert_true(!through || ours);
	g_assert_true(!ours || through == (n >= 4 && numbers[3] > 0));
	if (through) {
		g_assert_cmpuint(ino, ==, numbers[3]);
		g_assert_cmpuint(birth, ==, numbers[4]);
	}
}

static void fuzz_numbers(Bytes *in)
{
	g_autoptr(GString) name = g_string_new(BACKING_HIDDEN_PREFIX);
	unsigned n = 3 + bytes_below(in, 3);

	for (unsigned i = 0; i < n; i++) {
		uint64_t number = 0;

		for (unsigned j = 0; j < 8; j++)
			number = number << 8 | bytes_next(in);
		if (i == 0)
			number &= INT32_MAX;
		if (i == 2)
			number &= UINT32_MAX;
		g_string_append_printf(name, i ? "-%" PRIu64 : "%" PRIu64, number);
	}
	g_assert_true(backing_is_made(name->str));
	check_name(name->str);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes in = {data, size};
	bool any = bytes_next(&in) & 1;

	if (any) {
		g_autofree char *text = bytes_text(&in, 200);
		g_autofree char *name = g_strconcat(BACKING_HIDDEN_PREFIX, text, NULL);

		(void)backing_is_hidden(text);
		check_name(name);
	} else {
		fuzz_numbers(&in);
	}
	return 0;
}
