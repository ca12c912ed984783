/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "html.h"

static void check(const char *text, const char *want)
{
	g_autoptr(GString) out = g_string_new("|");

	html_text(out, text);
	g_assert_cmpstr(out->str + 1, ==, want);
}

static void test_text(void)
{
	check("", "");
	check("a/b-c.o \u00e4\u4f60", "a/b-c.o \u00e4\u4f60");
	check("</td><script>alert(\"1\")&'",
		"&lt;/td&gt;&lt;script&gt;alert(&quot;1&quot;)&amp;&#39;");
	check("a\nb\tc\033[2Jd\177", "a\\nb\\tc\\033[2Jd\\177");
	/* no UTF-8, a surrogate, more than there is */
	check("\xff\xc3(", "\\377\\303(");
	check("\xed\xb3\xbf", "\\355\\263\\277");
	check("\xf4\x90\x80\x80", "\\364\\220\\200\\200");
	/* what turns the direction, is not seen, ends a line, is no character */
	check("\u202e", "\\342\\200\\256");
	check("\u200b\u2028", "\\342\\200\\213\\342\\200\\250");
	check("\uffff\ufffe", "\\357\\277\\277\\357\\277\\276");
}

static void test_hash(void)
{
	g_autofree char *hash = html_hash("alert('Hello, world.');");

	/* as in the specification of the policy */
	g_assert_cmpstr(hash, ==, "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/html/text", test_text);
	g_test_add_func("/html/hash", test_hash);
	return g_test_run();
}
