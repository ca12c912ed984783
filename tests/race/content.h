/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File contents that can tell whether they are whole.
 *
 * A content begins with a header that says who wrote it, for which name, as which generation and
 * how long it is; then come bytes that follow from the header's pattern and their offset, and a
 * mark that follows from the whole header. So every byte of a file follows from its first 64:
 * whoever reads a file can tell a whole version from the beginning of one, and both from a mixture
 * of two.
 *
 * Two generations may share pattern and size. Then they differ in a few bytes at either end only,
 * which is what a rewrite mostly looks like, and what comparing as it comes must not get wrong. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct Content Content;

struct Content {
	uint64_t magic;
	uint32_t name;    /* the number of the name it was written for */
	uint32_t writer;  /* the number of the process that made it up */
	uint64_t gen;     /* counts up: for each name, or for each writer, as the mode says */
	uint64_t growing; /* 1: the name may be new, so it may be seen in part (P6) */
	uint64_t pattern; /* what the bytes between header and mark follow from */
	uint64_t size;    /* of the whole, header and mark included */
	uint64_t spare;
	uint64_t check; /* of the fields above */
};

enum {
	CONTENT_MIN = sizeof(Content) + sizeof(uint64_t),
	CONTENT_MAX = 192 * 1024,
};

#define CONTENT_MAGIC 0x3130656361723a6cULL

typedef enum {
	CONTENT_WHOLE,
	CONTENT_PART, /* the beginning of one version; empty, too */
	CONTENT_TORN, /* anything else */
} ContentState;

static inline uint64_t content_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline uint64_t content_sum(const Content *c, uint64_t sum)
{
	sum = content_mix(sum ^ c->name ^ (uint64_t)c->writer << 32);
	sum = content_mix(sum ^ c->gen);
	sum = content_mix(sum ^ c->growing);
	sum = content_mix(sum ^ c->pattern);
	return content_mix(sum ^ c->size);
}

/* Completes the header; pattern, size and the rest have been set. */
static inline void content_seal(Content *c)
{
	c->magic = CONTENT_MAGIC;
	c->spare = 0;
	c->check = content_sum(c, 1);
}

static inline int content_same(const Content *a, const Content *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Writes all c->size bytes to buf. */
static inline void content_fill(const Content *c, char *buf)
{
	size_t end = c->size - sizeof(uint64_t), i = sizeof(*c);
	uint64_t word = content_sum(c, 2);

	memcpy(buf, c, sizeof(*c));
	memcpy(buf + end, &word, sizeof(word));
	for (; i < end; i += sizeof(word)) {
		word = content_mix(c->pattern + i);
		memcpy(buf + i, &word, end - i < sizeof(word) ? end - i : sizeof(word));
	}
}

/* Judges the n bytes of buf. *ret_content is written unless fewer bytes than a header are there, in
 * which case it is zeroed; why (of n_why bytes) says what is wrong with a torn one. scratch holds
 * CONTENT_MAX bytes. */
static inline ContentState content_judge(
	const char *buf, size_t n, char *scratch, Content *ret_content, char *why, size_t n_why)
{
	const uint64_t magic = CONTENT_MAGIC;
	Content c;
	size_t i;

	memset(ret_content, 0, sizeof(*ret_content));
	if (n < sizeof(c)) {
		if (memcmp(buf, &magic, n < sizeof(magic) ? n : sizeof(magic)) == 0)
			return CONTENT_PART;
		snprintf(why, n_why, "%zu bytes that begin no header", n);
		return CONTENT_TORN;
	}
	memcpy(&c, buf, sizeof(c));
	if (c.magic != CONTENT_MAGIC || c.check != content_sum(&c, 1) || c.size < CONTENT_MIN ||
		c.size > CONTENT_MAX) {
		snprintf(why, n_why, "the header is torn%s",
			c.magic ? "" : " (it begins with zeros)");
		return CONTENT_TORN;
	}
	*ret_content = c;
	content_fill(&c, scratch);
	if (n > c.size || memcmp(buf, scratch, n) != 0) {
		for (i = 0; i < n && i < c.size && buf[i] == scratch[i];)
			i++;
		snprintf(why, n_why,
			"generation %llu of writer %u, %llu bytes: of the %zu bytes read those "
			"from %zu on%s "
			"do not belong to it",
			(unsigned long long)c.gen, c.writer, (unsigned long long)c.size, n, i,
			i < c.size && buf[i] == 0 ? " (zeros)" : "");
		return CONTENT_TORN;
	}
	return n == c.size ? CONTENT_WHOLE : CONTENT_PART;
}
