/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happened in one mount: counters, and lines. The JSON that lklfs writes is read by lklfs
 * alone (and by people's scripts), so a writer of strings and a reader that finds one member of one
 * object are all it takes. */

#include "journal.h"

#include "util.h"

#include <inttypes.h>
#include <string.h>

#define JOURNAL_FAILED_NAMED 8 /* so many names in one message */

struct Journal {
	pthread_mutex_t lock;
	pthread_cond_t written;
	/* all of these: lock */
	Totals totals;
	GQueue lines;        /* GStrings, owned, the oldest first */
	size_t n_bytes;      /* of the lines */
	uint64_t n_gone;     /* lines that are not kept any more */
	char *text;          /* what journal_lines() has given last; NULL: there are other lines */
	uint64_t n_expected; /* lines that have been announced */
	uint64_t n_written;  /* and those of them that have come, or never will */

	Outbox *outbox; /* constant; not owned; NULL: there is no file */
};

Journal *journal_new(Outbox *outbox)
{
	Journal *journal = g_new0(Journal, 1);

	pthread_mutex_init(&journal->lock, NULL);
	pthread_cond_init(&journal->written, NULL);
	g_queue_init(&journal->lines);
	journal->outbox = outbox;
	return journal;
}

Journal *journal_free(Journal *journal)
{
	if (!journal)
		return NULL;
	g_queue_clear_full(&journal->lines, journal_line_free);
	g_clear_pointer(&journal->text, g_ref_string_release);
	pthread_cond_destroy(&journal->written);
	pthread_mutex_destroy(&journal->lock);
	g_free(journal);
	return NULL;
}

void journal_add(Journal *journal, Verdict verdict, uint64_t size)
{
	HOLD(&journal->lock);

	g_assert(verdict < N_VERDICTS);
	journal->totals.n_verdicts[verdict]++;
	if (verdict == VERDICT_KEPT || verdict == VERDICT_RESTORED)
		journal->totals.bytes_not_written += size;
}

void journal_expect(Journal *journal)
{
	HOLD(&journal->lock);

	journal->n_expected++;
}

void journal_line_free(gpointer line)
{
	g_string_free(line, TRUE);
}

void journal_line(Journal *journal, GString *line)
{
	GString *copy =
		line && journal->outbox ? g_string_new_len(line->str, (gssize)line->len) : NULL;
	/* Nobody waits for a file here. Lines of one mount get there in the order they come. */
	HOLD(&journal->lock);

	if (copy)
		(void)!outbox_put(journal->outbox, copy);
	if (line) {
		g_clear_pointer(&journal->text, g_ref_string_release);
		g_queue_push_tail(&journal->lines, line);
		journal->n_bytes += line->len;
	}
	while (journal->n_bytes > JOURNAL_LINES_MAX && journal->lines.length > 1) {
		GString *first = g_queue_pop_head(&journal->lines);

		journal->n_bytes -= first->len;
		journal->n_gone++;
		journal_line_free(first);
	}
	journal->n_written++;
	pthread_cond_broadcast(&journal->written);
}

GString *journal_line_of_missed(uint64_t n)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "{\"v\":%d,\"missed\":%" PRIu64 "}\n", JOURNAL_FORMAT, n);
	return line;
}

static void append_line(GString *out, const GString *line)
{
	g_string_append_len(out, line->str, (gssize)line->len);
}

static char *journal_text(const Journal *journal)
{
	g_autoptr(GString) out = g_string_sized_new(journal->n_bytes + 64);

	if (journal->n_gone > 0) {
		g_autoptr(GString) missed = journal_line_of_missed(journal->n_gone);

		append_line(out, missed);
	}
	for (GList *l = journal->lines.head; l; l = l->next)
		append_line(out, l->data);
	return g_ref_string_new_len(out->str, (gssize)out->len);
}

char *journal_lines(Journal *journal)
{
	uint64_t n_expected;
	HOLD(&journal->lock);

	n_expected = journal->n_expected;
	/* Some of those that come first may have been expected later. */
	while (journal->n_written < n_expected)
		pthread_cond_wait(&journal->written, &journal->lock);
	if (!journal->text)
		journal->text = journal_text(journal);
	return g_ref_string_acquire(journal->text);
}

char *journal_newest(Journal *journal)
{
	const GString *line;
	HOLD(&journal->lock);

	line = g_queue_peek_tail(&journal->lines);
	return line ? g_strdup(line->str) : NULL;
}

void journal_sum(Journal *journal, Totals *totals)
{
	HOLD(&journal->lock);

	for (int i = 0; i < N_VERDICTS; i++)
		totals->n_verdicts[i] += journal->totals.n_verdicts[i];
	totals->bytes_not_written += journal->totals.bytes_not_written;
}

const char *journal_verdict_name(Verdict verdict)
{
	static const char *const names[N_VERDICTS] = {
		[VERDICT_KEPT] = "kept",
		[VERDICT_RESTORED] = "restored",
		[VERDICT_CHANGED] = "changed",
		[VERDICT_NEW] = "new",
		[VERDICT_TOUCHED] = "touched",
		[VERDICT_REMOVED] = "removed",
		[VERDICT_FAILED] = "failed",
	};

	g_assert(verdict < N_VERDICTS);
	return names[verdict];
}

void journal_json_string(GString *out, const char *value)
{
	g_string_append_c(out, '"');
	while (*value) {
		gunichar c = g_utf8_get_char_validated(value, -1);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_printf(out, "\\udc%02x", (unsigned char)*value);
			value++;
			continue;
		}
		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", (char)c);
		else if (g_unichar_iscntrl(c))
			g_string_append_printf(out, "\\u%04x", c);
		else
			g_string_append_unichar(out, c);
		value = g_utf8_next_char(value);
	}
	g_string_append_c(out, '"');
}

void journal_json_strings(GString *out, const GPtrArray *values)
{
	g_string_append_c(out, '[');
	for (unsigned i = 0; i < values->len; i++) {
		if (i > 0)
			g_string_append_c(out, ',');
		journal_json_string(out, values->pdata[i]);
	}
	g_string_append_c(out, ']');
}

/* The end of the string whose opening quote is at p: just behind its closing quote, or the end of
 * the text. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* The end of the value at p: the comma or bracket that ends it, or the end of the text. */
static const char *skip_value(const char *p)
{
	int depth = 0;

	while (*p) {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (depth == 0 && strchr(",}]", *p))
			break;
		if (*p == '{' || *p == '[')
			depth++;
		if (*p == '}' || *p == ']')
			depth--;
		p++;
	}
	return p;
}

char *journal_json_value(const char *json, const char *key)
{
	const char *p = json + strspn(json, " \t\r\n");

	if (*p != '{')
		return NULL;
	for (p++; *p;) {
		const char *name, *name_end, *end;

		p += strspn(p, " \t\r\n,");
		if (*p != '"')
			return NULL;
		name = p + 1;
		p = skip_string(p);
		name_end = p - 1;
		p += strspn(p, " \t\r\n");
		if (*p != ':')
			return NULL;
		p++;
		p += strspn(p, " \t\r\n");
		end = skip_value(p);
		if ((size_t)(name_end - name) == strlen(key) && !memcmp(name, key, strlen(key)))
			return g_strchomp(g_strndup(p, end - p));
		p = end;
		if (*p == '}')
			return NULL;
	}
	return NULL;
}

uint64_t journal_json_number(const char *json, const char *key)
{
	g_autofree char *value = journal_json_value(json, key);

	return value ? g_ascii_strtoull(value, NULL, 10) : 0;
}

/* The four digits of \\uXXXX; -1: they are none. */
static int hex4(const char *p)
{
	int n = 0;

	for (int i = 0; i < 4; i++) {
		if (!g_ascii_isxdigit(p[i]))
			return -1;
		n = n * 16 + g_ascii_xdigit_value(p[i]);
	}
	return n;
}

/* Appends what the escape behind a backslash at p stands for, and returns its end. */
static const char *add_escaped(GString *out, const char *p)
{
	int n = *p == 'u' ? hex4(p + 1) : -1;

	if (n < 0) {
		if (*p)
			g_string_append_c(out, *p);
		return *p ? p + 1 : p;
	}
	if (n >= 0xdc00 && n <= 0xdcff)
		g_string_append_c(out, (char)(n & 0xff));
	else if (n > 0)
		g_string_append_unichar(out, (gunichar)n);
	return p + 5;
}

/* Of the string whose opening quote is at p. */
static char *string_text(const char *p)
{
	GString *out = g_string_new(NULL);

	for (p++; *p && *p != '"';) {
		if (*p == '\\')
			p = add_escaped(out, p + 1);
		else
			g_string_append_c(out, *p++);
	}
	return g_string_free(out, FALSE);
}

char *journal_json_text(const char *value)
{
	return value && *value == '"' ? string_text(value) : NULL;
}

GPtrArray *journal_json_texts(const char *value)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

	if (!value || *value != '[')
		return texts;
	for (const char *p = strchr(value, '"'); p; p = strchr(skip_string(p), '"'))
		g_ptr_array_add(texts, string_text(p));
	return texts;
}

/* The first max strings of an array, as they stand in it. */
static GString *json_strings(const char *array, unsigned max)
{
	GString *out = g_string_new(NULL);
	const char *p = strchr(array, '"');

	for (unsigned i = 0; p && i < max; i++) {
		const char *end = skip_string(p);

		g_string_append(out, i == 0 ? "" : ", ");
		g_string_append_len(out, p, end - p);
		p = strchr(end, '"');
	}
	return out;
}

char *journal_json_failed(const char *json)
{
	g_autofree char *paths = journal_json_value(json, "failed_paths");
	g_autofree char *error = journal_json_value(json, "failed_error");
	g_autoptr(GString) out = json_strings(paths ? paths : "", JOURNAL_FAILED_NAMED);
	g_autoptr(GString) why = g_string_new(error ? error : "\"\"");
	uint64_t n = journal_json_number(json, "failed");

	if (n > JOURNAL_FAILED_NAMED)
		g_string_append_printf(out, " and %" PRIu64 " more", n - JOURNAL_FAILED_NAMED);
	/* Without its quotes: no error has any in it. */
	g_string_append_printf(out, ": %.*s", MAX(0, (int)why->len - 2), why->str + 1);
	return g_strdup(out->str);
}
