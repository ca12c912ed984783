/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reader of JSON that shares nothing with journal.c: whether a text is one value of it, as RFC
 * 8259 has it, and what bytes a string stands for. */

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static inline const char *json_value(const char *p, GString *ret_bytes);

static inline const char *json_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* \uNNNN. What journal.h says of \udcNN is the one thing that is not of the standard. */
static inline const char *json_escape(const char *p, GString *ret_bytes)
{
	static const char escapes[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	unsigned code = 0;
	const char *at;

	if (*p != 'u') {
		at = *p ? strchr(escapes, *p) : NULL;
		if (at && ret_bytes)
			g_string_append_c(ret_bytes, bytes[at - escapes]);
		return at ? p + 1 : NULL;
	}
	for (unsigned i = 1; i <= 4; i++) {
		if (!g_ascii_isxdigit(p[i]))
			return NULL;
		code = code * 16 + (unsigned)g_ascii_xdigit_value(p[i]);
	}
	if (ret_bytes && code >= 0xdc80 && code <= 0xdcff)
		g_string_append_c(ret_bytes, (char)(code & 0xff));
	else if (ret_bytes)
		g_string_append_unichar(ret_bytes, code);
	return p + 5;
}

static inline const char *json_string(const char *p, GString *ret_bytes)
{
	if (*p++ != '"')
		return NULL;
	while (p && *p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '\\') {
			p = json_escape(p + 1, ret_bytes);
		} else {
			if (ret_bytes)
				g_string_append_c(ret_bytes, *p);
			p++;
		}
	}
	return p ? p + 1 : NULL;
}

static inline const char *json_number(const char *p)
{
	p += *p == '-';
	if (!g_ascii_isdigit(*p) || (*p == '0' && g_ascii_isdigit(p[1])))
		return NULL;
	return p + strspn(p, "0123456789");
}

/* An array, or an object. */
static inline const char *json_list(const char *p, char end)
{
	p = json_space(p + 1);
	if (*p == end)
		return p + 1;
	for (;;) {
		if (end == '}') {
			p = json_string(p, NULL);
			p = p ? json_space(p) : NULL;
			if (!p || *p++ != ':')
				return NULL;
		}
		p = json_value(json_space(p), NULL);
		p = p ? json_space(p) : NULL;
		if (!p || (*p != ',' && *p != end))
			return NULL;
		if (*p == end)
			return p + 1;
		p = json_space(p + 1);
	}
}

static inline const char *json_value(const char *p, GString *ret_bytes)
{
	static const char *const words[] = {"true", "false", "null"};

	if (*p == '{' || *p == '[')
		return json_list(p, *p == '{' ? '}' : ']');
	if (*p == '"')
		return json_string(p, ret_bytes);
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_str_has_prefix(p, words[i]))
			return p + strlen(words[i]);
	return json_number(p);
}

/* Whether the text is one value, and valid UTF-8. ret_bytes: what a string stands for, or NULL. */
static inline bool json_is_valid(const char *text, GString *ret_bytes)
{
	const char *end = json_value(json_space(text), ret_bytes);

	return end && !*json_space(end) && g_utf8_validate(text, -1, NULL);
}
