/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON as lklfs writes it, and reads it. Odd first byte: any text is read. Even: names of any bytes
 * are written; that is JSON, stands for these bytes, and is found again. What is printed of them
 * moves no cursor. */

#include "fuzz.h"

#include "journal.h"
#include "json.h"
#include "log.h"

static const char *const keys[] = {"pid", "failed", "failed_paths", "failed_error", "", "a"};

static void check_printable(const char *text)
{
	g_autofree char *shown = log_printable(text);

	g_assert_true(g_utf8_validate(shown, -1, NULL));
	for (const char *p = shown; *p; p = g_utf8_next_char(p))
		g_assert_false(g_unichar_iscntrl(g_utf8_get_char(p)));
}

static void fuzz_text(Bytes *in)
{
	g_autofree char *text = bytes_text(in, in->size), *failed = journal_json_failed(text);
	bool valid = json_is_valid(text, NULL);

	g_assert_nonnull(failed);

	check_printable(text);
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree char *value = journal_json_value(text, keys[i]);

		(void)journal_json_number(text, keys[i]);
		if (valid && value)
			g_assert_true(json_is_valid(value, NULL));
	}
}

/* The value that has been written of some bytes is JSON, and says these. */
static void check_value(const char *value, const char *bytes)
{
	g_autoptr(GString) said = g_string_new(NULL);

	g_assert_true(json_is_valid(value, said));
	g_assert_cmpstr(said->str, ==, bytes);
}

static void fuzz_names(Bytes *in)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) out = g_string_new("{\"pid\":7,\"failed_paths\":");
	g_autofree char *array = NULL, *failed = NULL;

	while (in->size > 0)
		g_ptr_array_add(names, bytes_text(in, in->size));
	journal_json_strings(out, names);
	for (unsigned i = 0; i < names->len; i++) {
		g_string_append_printf(out, ",\"k%u\":", i);
		journal_json_string(out, names->pdata[i]);
		check_printable(names->pdata[i]);
	}
	g_string_append_printf(out, ",\"failed\":%u,\"failed_error\":\"why\"}\n", names->len);
	g_assert_true(json_is_valid(out->str, NULL));
	g_assert_cmpuint(journal_json_number(out->str, "pid"), ==, 7);
	g_assert_cmpuint(journal_json_number(out->str, "failed"), ==, names->len);
	array = journal_json_value(out->str, "failed_paths");
	g_assert_true(json_is_valid(array, NULL));
	for (unsigned i = 0; i < names->len; i++) {
		g_autofree char *key = g_strdup_printf("k%u", i);
		g_autofree char *value = journal_json_value(out->str, key);

		check_value(value, names->pdata[i]);
	}
	failed = journal_json_failed(out->str);
	g_assert_true(g_str_has_suffix(failed, ": why"));
	check_printable(failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes in = {data, size};

	if (bytes_next(&in) & 1)
		fuzz_text(&in);
	else
		fuzz_names(&in);
	return 0;
}
