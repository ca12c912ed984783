/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report-show.h"

#include <inttypes.h>
#include <string.h>

#include "log.h"

char *show_path(const Report *report, const char *path)
{
	size_t n = report->base ? strlen(report->base) : 0;

	if (n > 0 && strncmp(path, report->base, n) == 0 && path[n] == '/')
		path += n + 1;
	return log_printable(path);
}

char *show_command(const Entry *entry, unsigned max)
{
	g_autofree char *plain = log_printable(entry->command);

	if (max == 0 || g_utf8_strlen(plain, -1) <= (glong)max)
		return g_steal_pointer(&plain);
	*g_utf8_offset_to_pointer(plain, max - 3) = 0;
	return g_strconcat(plain, "...", NULL);
}

static char *format_time(int64_t us, const char *format)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(us / G_USEC_PER_SEC);
	char *text = time ? g_date_time_format(time, format) : NULL;

	return text ? text : g_strdup("?");
}

char *show_time(int64_t us)
{
	g_autofree char *text = format_time(us, "%H:%M:%S");

	return g_strdup_printf("%s.%03d", text, (int)(us % G_USEC_PER_SEC / 1000));
}

char *show_date(int64_t us)
{
	return format_time(us, "%Y-%m-%d %H:%M:%S");
}

char *show_duration(int64_t us)
{
	int64_t seconds = us / G_USEC_PER_SEC;

	if (seconds < 10)
		return g_strdup_printf(
			"%d.%03d s", (int)seconds, (int)(us % G_USEC_PER_SEC / 1000));
	if (seconds < 60)
		return g_strdup_printf("%.1f s", (double)us / G_USEC_PER_SEC);
	if (seconds < 3600)
		return g_strdup_printf("%d min %02d s", (int)(seconds / 60), (int)(seconds % 60));
	return g_strdup_printf("%" PRId64 " h %02d min", seconds / 3600, (int)(seconds / 60 % 60));
}

char *show_size(uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024)
		return g_strdup_printf("%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
	for (; n >= 1024 && i + 1 < G_N_ELEMENTS(units); i++)
		n /= 1024;
	return g_strdup_printf("%.1f %s", n, units[i]);
}

char *show_digits(const char *digits)
{
	GString *out = g_string_new(NULL);

	for (; digits[0] && digits[1]; digits += 2)
		g_string_append_printf(out, "%s%.2s", out->len > 0 ? " " : "", digits);
	return g_string_free(out, FALSE);
}

char *show_bytes(const char *digits)
{
	GString *out = g_string_new(NULL);

	for (; digits[0] && digits[1]; digits += 2) {
		int c = g_ascii_xdigit_value(digits[0]) * 16 + g_ascii_xdigit_value(digits[1]);

		g_string_append_c(out, g_ascii_isprint((char)c) ? (char)c : '.');
	}
	return g_string_free(out, FALSE);
}

void show_count(GString *out, uint64_t n, const char *word)
{
	g_string_append_printf(out, "%" PRIu64 " %s%s", n, word, n == 1 ? "" : "s");
}

void show_verdicts(GString *out, const unsigned n[N_VERDICTS])
{
	for (int v = 0; v < N_VERDICTS; v++)
		if (n[v] > 0)
			g_string_append_printf(out, ", %u %s", n[v], journal_verdict_name(v));
}

void show_difference(GString *out, const Entry *entry)
{
	if (entry->verdict == VERDICT_TOUCHED && entry->because)
		g_string_append_printf(out, "(%s)", entry->because);
	if (entry->verdict == VERDICT_NEW && entry->before)
		g_string_append(out, "(again, maybe with the same bytes)");
	if (entry->verdict == VERDICT_FAILED && entry->error) {
		g_autofree char *error = log_printable(entry->error);

		g_string_append_printf(out, "(%s)", error);
	}
	if (!entry->has_first)
		return;
	if (entry->has_n)
		g_string_append_printf(out,
			"%" PRIu64 " of %" PRIu64 " bytes, from byte %" PRIu64 " on",
			entry->n_differing, entry->size, entry->first);
	else
		g_string_append_printf(out,
			"%" PRIu64 " bytes, were %" PRIu64 ", from byte %" PRIu64 " on",
			entry->size, entry->old_size, entry->first);
}
