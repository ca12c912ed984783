/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "html.h"

#include <stdbool.h>
#include <string.h>

#include "log.h"

/* Formats turn the direction of what stands beside them, or are not seen; of what is not assigned
 * XML does not know some. */
static bool is_plain(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT:
	case G_UNICODE_UNASSIGNED:
	case G_UNICODE_PRIVATE_USE:
	case G_UNICODE_SURROGATE:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return false;
	default:
		return true;
	}
}

static void add_char(GString *out, gunichar c, const char *bytes, const char *next)
{
	switch (c) {
	case '&':
		g_string_append(out, "&amp;");
		break;
	case '<':
		g_string_append(out, "&lt;");
		break;
	case '>':
		g_string_append(out, "&gt;");
		break;
	case '"':
		g_string_append(out, "&quot;");
		break;
	case '\'':
		g_string_append(out, "&#39;");
		break;
	default:
		if (is_plain(c))
			g_string_append_len(out, bytes, next - bytes);
		else
			for (; bytes < next; bytes++)
				g_string_append_printf(out, "\\%03o", (unsigned char)*bytes);
	}
}

void html_text(GString *out, const char *text)
{
	g_autofree char *plain = log_printable(text);
	const char *next;

	for (const char *p = plain; *p; p = next) {
		next = g_utf8_next_char(p);
		add_char(out, g_utf8_get_char(p), p, next);
	}
}

char *html_hash(const char *text)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *base64 = NULL;
	guint8 digest[32];
	gsize length = sizeof digest;

	g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
	g_checksum_get_digest(checksum, digest, &length);
	base64 = g_base64_encode(digest, length);
	return g_strdup_printf("'sha256-%s'", base64);
}
