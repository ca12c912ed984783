/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A GLOB, a newline, a name: whether the GLOB of -o always matches it. What that means is written
 * down here once more, for the GLOBs of which there are no two opinions: brackets hold letters and
 * digits alone. */

#include "fuzz.h"

#include "fs.h"
#include "publish.h"

#define LENGTH_MAX 24 /* stars cost */

/* Just behind the bracket expression that begins at glob, or NULL if that is none that is plain. */
static const char *bracket_end(const char *glob)
{
	const char *p = glob + 1;

	p += *p == '!';
	if (!g_ascii_isalnum(*p))
		return NULL;
	while (g_ascii_isalnum(*p)) {
		/* A range goes up. */
		if (p[1] == '-') {
			if (!g_ascii_isalnum(p[2]) || p[2] < p[0])
				return NULL;
			p += 2;
		}
		p++;
	}
	return *p == ']' ? p + 1 : NULL;
}

static bool bracket_matches(const char *glob, char c)
{
	bool negated = glob[1] == '!', found = false;

	for (const char *p = glob + 1 + negated; *p != ']'; p++) {
		char last = p[1] == '-' ? p[2] : p[0];

		found |= c >= p[0] && c <= last;
		p += p[1] == '-' ? 2 : 0;
	}
	return found != negated;
}

static bool is_plain(const char *glob)
{
	while (*glob) {
		if (*glob == '\\' && !glob[1])
			return false;
		if (*glob == '[') {
			glob = bracket_end(glob);
			if (!glob)
				return false;
		} else {
			glob += *glob == '\\' ? 2 : 1;
		}
	}
	return true;
}

static bool matches(const char *glob, const char *name)
{
	while (glob[0] == '*' && glob[1] == '*')
		glob++;
	if (*glob == '*')
		return matches(glob + 1, name) || (*name && matches(glob, name + 1));
	if (!*glob || !*name)
		return !*glob && !*name;
	if (*glob == '[')
		return bracket_matches(glob, *name) && matches(bracket_end(glob), name + 1);
	if (*glob == '?')
		return matches(glob + 1, name + 1);
	glob += *glob == '\\';
	return *glob == *name && matches(glob + 1, name + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes in = {data, size};
	g_autofree char *text = bytes_text(&in, size);
	g_auto(GStrv) both = g_strsplit(text, "\n", 2);
	char *globs[] = {both[0], NULL};
	Options options = {.always = globs};
	const Fs fs = {.options = &options};
	bool listed;

	if (g_strv_length(both) != 2 || strlen(both[0]) > LENGTH_MAX ||
		strlen(both[1]) > LENGTH_MAX)
		return 0;
	listed = publish_is_listed(&fs, both[1]);
	if (is_plain(both[0]))
		g_assert_true(listed == matches(both[0], both[1]));
	return 0;
}
