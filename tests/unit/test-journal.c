/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"

#include <string.h>

static void test_counts(void)
{
	Journal *journal = journal_new(NULL);
	Totals totals = {.bytes_not_written = 5};

	journal_add(journal, VERDICT_KEPT, 100);
	journal_add(journal, VERDICT_KEPT, 1);
	journal_add(journal, VERDICT_CHANGED, 1000);
	journal_sum(journal, &totals);
	journal_sum(journal, &totals);
	g_assert_cmpuint(totals.n_verdicts[VERDICT_KEPT], ==, 4);
	g_assert_cmpuint(totals.n_verdicts[VERDICT_CHANGED], ==, 2);
	g_assert_cmpuint(totals.n_verdicts[VERDICT_NEW], ==, 0);
	g_assert_cmpuint(totals.bytes_not_written, ==, 5 + 2 * 101);
	g_assert_null(journal_free(journal));
	g_assert_null(journal_free(NULL));
}

static void add_line(Journal *journal, const char *text)
{
	journal_expect(journal);
	journal_line(journal, g_string_new(text));
}

static void test_lines(void)
{
	Journal *journal = journal_new(NULL);
	char *none = journal_lines(journal), *two, *again, *many;
	g_autofree char *large = g_strnfill(JOURNAL_LINES_MAX / 2, 'x');

	g_assert_cmpstr(none, ==, "");
	add_line(journal, "a\n");
	journal_expect(journal);
	journal_line(journal, NULL);
	add_line(journal, "b\n");
	two = journal_lines(journal);
	g_assert_cmpstr(two, ==, "a\nb\n");
	again = journal_lines(journal);
	g_assert_true(again == two);
	/* The oldest goes when there are too many bytes; the last one stays, however long. */
	add_line(journal, large);
	add_line(journal, large);
	many = journal_lines(journal);
	g_assert_true(g_str_has_prefix(many, "{\"v\":1,\"missed\":2}\nxx"));
	g_assert_cmpuint(strlen(strchr(many, 'x')), ==, JOURNAL_LINES_MAX);
	g_ref_string_release(none);
	g_ref_string_release(two);
	g_ref_string_release(again);
	g_ref_string_release(many);
	journal_free(journal);
}

static void *read_lines(void *journal)
{
	return journal_lines(journal);
}

/* Whoever reads waits for what has been announced. */
static void test_expected(void)
{
	Journal *journal = journal_new(NULL);
	pthread_t reader;
	void *text;

	journal_expect(journal);
	journal_expect(journal);
	g_assert_cmpint(pthread_create(&reader, NULL, read_lines, journal), ==, 0);
	journal_line(journal, g_string_new("first\n"));
	journal_line(journal, g_string_new("second\n"));
	g_assert_cmpint(pthread_join(reader, &text), ==, 0);
	g_assert_cmpstr(text, ==, "first\nsecond\n");
	g_ref_string_release(text);
	journal_free(journal);
}

static void *add_many(void *journal)
{
	for (int i = 0; i < 10000; i++)
		journal_add(journal, VERDICT_KEPT, 1);
	return NULL;
}

static void test_threads(void)
{
	Journal *journal = journal_new(NULL);
	pthread_t threads[4];
	Totals totals = {};

	for (int i = 0; i < 4; i++)
		g_assert_cmpint(pthread_create(&threads[i], NULL, add_many, journal), ==, 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	journal_sum(journal, &totals);
	g_assert_cmpuint(totals.n_verdicts[VERDICT_KEPT], ==, 40000);
	g_assert_cmpuint(totals.bytes_not_written, ==, 40000);
	journal_free(journal);
}

static void test_names(void)
{
	g_assert_cmpstr(journal_verdict_name(VERDICT_KEPT), ==, "kept");
	g_assert_cmpstr(journal_verdict_name(VERDICT_FAILED), ==, "failed");
	for (Verdict v = 0; v < N_VERDICTS; v++)
		g_assert_nonnull(journal_verdict_name(v));
}

static void check_string(const char *value, const char *wanted)
{
	g_autoptr(GString) out = g_string_new("x");

	journal_json_string(out, value);
	g_assert_cmpstr(out->str + 1, ==, wanted);
}

static void test_json_string(void)
{
	check_string("", "\"\"");
	check_string("a b", "\"a b\"");
	check_string("a\"b\\c", "\"a\\\"b\\\\c\"");
	check_string("a\nb\t\x7f", "\"a\\u000ab\\u0009\\u007f\"");
	check_string("\xc3\xa4", "\"\xc3\xa4\"");
	check_string("\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
	check_string("a\xff"
		     "b",
		"\"a\\udcffb\"");
	check_string("\xc3", "\"\\udcc3\"");
	check_string("\xc2\x9b", "\"\\u009b\"");
	check_string("\xed\xa0\x80", "\"\\udced\\udca0\\udc80\"");
}

static void test_json_strings(void)
{
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	g_autoptr(GString) out = g_string_new("x");

	journal_json_strings(out, values);
	g_assert_cmpstr(out->str, ==, "x[]");
	g_ptr_array_add(values, (char *)"a, \"b");
	journal_json_strings(out, values);
	g_assert_cmpstr(out->str, ==, "x[][\"a, \\\"b\"]");
	g_ptr_array_add(values, (char *)"");
	g_string_truncate(out, 0);
	journal_json_strings(out, values);
	g_assert_cmpstr(out->str, ==, "[\"a, \\\"b\",\"\"]");
}

static void check_value(const char *json, const char *key, const char *wanted)
{
	g_autofree char *value = journal_json_value(json, key);

	g_assert_cmpstr(value, ==, wanted);
}

static void test_json_value(void)
{
	const char *json = "{\"dir\":\"a\\\"pid\\\":9,}{\",\"pid\": 12 ,\"list\":[\"a]\",\"b,\"],"
			   "\"inner\":{\"n\":7},\"run\":true,\"n\":3}";

	check_value(json, "dir", "\"a\\\"pid\\\":9,}{\"");
	check_value(json, "pid", "12");
	check_value(json, "list", "[\"a]\",\"b,\"]");
	check_value(json, "inner", "{\"n\":7}");
	check_value(json, "run", "true");
	check_value(json, "n", "3");
	check_value(json, "nothing", NULL);
	check_value(json, "pi", NULL);
	g_assert_cmpuint(journal_json_number(json, "pid"), ==, 12);
	g_assert_cmpuint(journal_json_number(json, "nothing"), ==, 0);
}

static void test_json_broken(void)
{
	const char *json = "{\"a\":\"b\\\"c\",\"d\":[1,{\"e\":2}],\"f\":3}";

	check_value("", "a", NULL);
	check_value("[]", "a", NULL);
	check_value("{}", "a", NULL);
	/* Cut off anywhere, it ends; what is there is found or not. */
	for (size_t n = 0; n < strlen(json); n++) {
		g_autofree char *cut = g_strndup(json, n);

		g_free(journal_json_value(cut, "f"));
		g_free(journal_json_value(cut, "d"));
	}
}

static void test_json_failed(void)
{
	g_autoptr(GString) many = g_string_new("{\"failed\":10,\"failed_paths\":[");
	g_autofree char *two = NULL, *ten = NULL, *none = NULL;

	two = journal_json_failed("{\"failed\":2,\"failed_paths\":[\"d/f\",\"a, \\\"b\"],"
				  "\"failed_error\":\"No space left on device\"}");
	g_assert_cmpstr(two, ==, "\"d/f\", \"a, \\\"b\": No space left on device");
	for (int i = 0; i < 10; i++)
		g_string_append_printf(many, "%s\"%d\"", i ? "," : "", i);
	g_string_append(many, "],\"failed_error\":\"Input/output error\"}");
	ten = journal_json_failed(many->str);
	g_assert_cmpstr(ten, ==,
		"\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\" and 2 more: "
		"Input/output error");
	/* of a daemon that says nothing of it */
	none = journal_json_failed("{\"failed\":1}");
	g_assert_cmpstr(none, ==, ": ");
}

/* What is written is what is read. */
static void test_json_texts(void)
{
	static const char *const texts[] = {"", "a b", "\"\\/\n\x01", "\xff\xc3(",
		"\xc3\xa4\xf0\x9f\x98\x80", "],[{}\\", "\\u0041", "\xed\xb3\xbf"};
	g_autoptr(GString) array = g_string_new(NULL);
	g_autoptr(GPtrArray) all = g_ptr_array_new(), got = NULL, none = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GString) value = g_string_new(NULL);
		g_autofree char *text = NULL;

		journal_json_string(value, texts[i]);
		text = journal_json_text(value->str);
		g_assert_cmpstr(text, ==, texts[i]);
		g_ptr_array_add(all, (char *)texts[i]);
	}
	journal_json_strings(array, all);
	got = journal_json_texts(array->str);
	g_assert_cmpuint(got->len, ==, all->len);
	for (unsigned i = 0; i < got->len; i++)
		g_assert_cmpstr(got->pdata[i], ==, texts[i]);
	g_assert_null(journal_json_text("12"));
	g_assert_null(journal_json_text(NULL));
	none = journal_json_texts("[]");
	g_assert_cmpuint(none->len, ==, 0);
	/* Cut off anywhere, it ends. */
	for (size_t n = 0; n < array->len; n++) {
		g_autofree char *cut = g_strndup(array->str, n);
		g_autoptr(GPtrArray) some = journal_json_texts(cut);

		g_assert_cmpuint(some->len, <=, all->len);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/journal/counts", test_counts);
	g_test_add_func("/journal/threads", test_threads);
	g_test_add_func("/journal/lines", test_lines);
	g_test_add_func("/journal/expected", test_expected);
	g_test_add_func("/journal/names", test_names);
	g_test_add_func("/journal/json-string", test_json_string);
	g_test_add_func("/journal/json-strings", test_json_strings);
	g_test_add_func("/journal/json-value", test_json_value);
	g_test_add_func("/journal/json-broken", test_json_broken);
	g_test_add_func("/journal/json-texts", test_json_texts);
	g_test_add_func("/journal/json-failed", test_json_failed);
	return g_test_run();
}
