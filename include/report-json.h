/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A report as one JSON object; lklfs(1) has its members. */

#include "report-causes.h"

/* To free. report_end() has been called. */
char *report_json(const Report *report);
