/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How people are shown paths, times, sizes and bytes of a report, whatever it is printed on. What
 * comes from outside is printable, as of log_printable(); all strings are to free. */

#include "report.h"

/* Without the report's base. */
char *show_path(const Report *report, const char *path);

/* max: so many characters, the last three of which are points if there are more; 0: all. */
char *show_command(const Entry *entry, unsigned max);

/* HH:MM:SS.mmm, and YYYY-MM-DD HH:MM:SS, in local time. */
char *show_time(int64_t us);
char *show_date(int64_t us);

/* Of microseconds: "0.012 s", "12.3 s", "3 min 05 s", "2 h 03 min". */
char *show_duration(int64_t us);

/* "12 bytes", "3.4 KiB". */
char *show_size(uint64_t bytes);

/* Hexadecimal digits, two by two: "41 ff". */
char *show_digits(const char *digits);

/* The bytes they stand for that can be shown, others as points: "A.". */
char *show_bytes(const char *digits);

/* "3 files": the word with an s unless there is one. */
void show_count(GString *out, uint64_t n, const char *word);

/* ", 3 kept, 2 changed": the verdicts of so many lines, those that there are none of left out. */
void show_verdicts(GString *out, const unsigned n[N_VERDICTS]);

/* Where and why the bytes or the mtime are others: "(seen)", "1 of 22 bytes, from byte 19 on";
 * appends nothing if that is not known. */
void show_difference(GString *out, const Entry *entry);
