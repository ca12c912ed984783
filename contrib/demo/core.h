/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

int core_sum(int n);
