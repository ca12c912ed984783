/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text in a page that is HTML and XML alike. */

#include <glib.h>

/* Appends text, between tags or in a quoted attribute, so that it ends neither: any bytes. What
 * would not be seen as what it is (controls, what turns the direction of writing, what is no
 * character) is written as in C. */
void html_text(GString *out, const char *text);

/* The value of a Content-Security-Policy that lets this style or script, as it stands between its
 * tags, and no other: "'sha256-...'". To free. */
char *html_hash(const char *text);
