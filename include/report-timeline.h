/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A build as a drawing: time from left to right, a band for each verdict, in it a mark for each
 * entry where its verdict was reached, with a line from where it was first opened. Where a band has
 * too many for that it is columns, the higher the more verdicts that time had.
 */

#include "report-page.h"

/* The shape of each verdict, once in a page before all else. */
void timeline_shapes(GString *out);

/* Appends an <svg>. */
void timeline_draw(Page *page, const Build *build);
