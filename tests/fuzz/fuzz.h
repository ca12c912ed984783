/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fuzz target is a program with this function, which gets bytes by lot and asserts. In a build
 * with -fsanitize=fuzzer-no-link (contrib/ci/fuzz.sh) libFuzzer draws the bytes; in every other one
 * replay.c hands in the files of tests/fuzz/corpus. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Bytes Bytes;

/* What has not been used yet. */
struct Bytes {
	const uint8_t *data;
	size_t size;
};

/* The next byte; 0 when there is none left. */
static inline uint8_t bytes_next(Bytes *bytes)
{
	if (bytes->size == 0)
		return 0;
	bytes->size--;
	return *bytes->data++;
}

/* The next number below n. */
static inline unsigned bytes_below(Bytes *bytes, unsigned n)
{
	return bytes_next(bytes) % n;
}

/* Up to max bytes as a string, ended by what is behind the first 0 too; to free. */
static inline char *bytes_text(Bytes *bytes, size_t max)
{
	size_t n = MIN(bytes->size, max), length = strnlen((const char *)bytes->data, n);
	char *text = g_strndup((const char *)bytes->data, length);

	n = MIN(n, length + 1);
	bytes->data += n;
	bytes->size -= n;
	return text;
}
