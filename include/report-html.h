/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A report as one page of HTML that needs nothing else: no network, and but for filter, sorting and
 * whole chains no script. It is XML as well. */

#include "report-causes.h"

/* report_end() has been called. */
GString *report_html(const Report *report);
