/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

void util_greet(const char *who);
