/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In a band marks are put into the first lane that has room. A band that would need more lanes than
 * there are becomes columns. What a mark is called is its title, and it leads to its row. */

#include "report-timeline.h"

#include <inttypes.h>

#include "html.h"
#include "report-show.h"

/* Units of the drawing. */
#define LEFT 132   /* of where time begins: names of the bands */
#define WIDTH 1040 /* of the time */
#define RIGHT 28
#define TOP 34 /* of the first band: for the first change */
#define LANE 11
#define N_LANES 18
#define GAP 9      /* between bands */
#define RADIUS 4.5 /* of a mark */
#define COLUMN 4
#define N_COLUMNS (WIDTH / COLUMN)
#define COLUMNS_HEIGHT 52

typedef struct Drawing Drawing;

struct Drawing {
	GString *out;
	const Page *page;
	const Report *report;
	const Build *build;
	int64_t span; /* us; > 0 */
	int y;        /* below what has been drawn */
};

/* In the order from top to bottom. */
static const Verdict bands[] = {VERDICT_CHANGED, VERDICT_NEW, VERDICT_TOUCHED, VERDICT_KEPT,
	VERDICT_RESTORED, VERDICT_REMOVED, VERDICT_FAILED};

/* Around 0, 0. */
static const char *const shapes[N_VERDICTS] = {
	[VERDICT_KEPT] = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M-2 0a2 2 0 1 1 4 0a2 2 0 1 1-4 0",
	[VERDICT_RESTORED] = "M0-5L5 0L0 5L-5 0zM0-2.4L-2.4 0L0 2.4L2.4 0z",
	[VERDICT_CHANGED] = "M0-5L5 4.2H-5z",
	[VERDICT_NEW] = "M-1.4-5H1.4V-1.4H5V1.4H1.4V5H-1.4V1.4H-5V-1.4H-1.4z",
	[VERDICT_TOUCHED] = "M-4-4H4V4H-4z",
	[VERDICT_REMOVED] = "M-5-1.5H5V1.5H-5z",
	[VERDICT_FAILED] =
		("M-4.8-2.8L-2.8-4.8L0-2L2.8-4.8L4.8-2.8L2 0L4.8 2.8L2.8 4.8L0 2L-2.8 4.8L"
		 "-4.8 2.8L-2 0z"),
};

void timeline_shapes(GString *out)
{
	g_string_append(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"0\" "
			     "class=\"shapes\" aria-hidden=\"true\"><defs>\n");
	for (int v = 0; v < N_VERDICTS; v++)
		g_string_append_printf(
			out, "<path id=\"m-%s\" d=\"%s\" />\n", journal_verdict_name(v), shapes[v]);
	g_string_append(out, "</defs></svg>\n");
}

static double x_of(const Drawing *drawing, int64_t time)
{
	return LEFT + (double)(time - drawing->build->begin) / (double)drawing->span * WIDTH;
}

/* Numbers with one digit behind the point, whatever the locale. */
static void add_number(GString *out, const char *before, double n)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append(out, before);
	g_string_append(out, g_ascii_formatd(digits, sizeof digits, "%.1f", n));
}

static bool is_in(const Entry *entry, Verdict verdict)
{
	return !entry->passing && entry->verdict == verdict;
}

/* The lane for each entry of the build in this band, -1 for others; NULL: there is not enough room.
 * Marks come in the order of their times but for a little. */
static int *lanes_of(const Drawing *drawing, Verdict verdict, int *ret_n)
{
	const Build *build = drawing->build;
	g_autofree int *lanes = g_new(int, build->n_entries);
	double ends[N_LANES];
	int n = 0;

	for (unsigned i = 0; i < build->n_entries; i++) {
		const Entry *entry = drawing->report->entries->pdata[build->first + i];
		double x = x_of(drawing, entry->time);
		double begin = MIN(x_of(drawing, entry->time - entry->duration), x - RADIUS) - 1;
		int lane = 0;

		lanes[i] = -1;
		if (!is_in(entry, verdict))
			continue;
		while (lane < n && ends[lane] > begin)
			lane++;
		if (lane == N_LANES)
			return NULL;
		n = MAX(n, lane + 1);
		ends[lane] = x + RADIUS;
		lanes[i] = lane;
	}
	*ret_n = n;
	return g_steal_pointer(&lanes);
}

static void add_mark(const Drawing *drawing, const Entry *entry, int lane)
{
	GString *out = drawing->out;
	g_autofree char *path = show_path(drawing->report, entry->output->path);
	g_autofree char *time = show_time(entry->time);
	g_autoptr(GString) how = g_string_new(NULL);
	const char *word = journal_verdict_name(entry->verdict);
	double x = x_of(drawing, entry->time);
	double begin = x_of(drawing, entry->time - entry->duration);
	double y = drawing->y + lane * LANE + LANE / 2.0;

	show_difference(how, entry);
	if (x - begin > RADIUS) {
		add_number(out, "<line x1=\"", begin);
		add_number(out, "\" x2=\"", x);
		add_number(out, "\" y1=\"", y);
		add_number(out, "\" y2=\"", y);
		g_string_append_printf(out, "\" class=\"%s\" />", word);
	}
	g_string_append_printf(out, "<a href=\"#e%u\" tabindex=\"-1\"><use href=\"#m-%s\"",
		page_target(drawing->page, entry), word);
	add_number(out, " x=\"", x);
	add_number(out, "\" y=\"", y);
	g_string_append_printf(out, "\" class=\"%s\"><title>%s ", word, word);
	html_text(out, path);
	g_string_append_printf(out, ", %s%s", time, how->len > 0 ? ", " : "");
	html_text(out, how->str);
	g_string_append(out, "</title></use></a>\n");
}

static void draw_marks(const Drawing *drawing, const int *lanes)
{
	const Build *build = drawing->build;

	for (unsigned i = 0; i < build->n_entries; i++)
		if (lanes[i] >= 0)
			add_mark(drawing, drawing->report->entries->pdata[build->first + i],
				lanes[i]);
}

static unsigned column_of(const Drawing *drawing, const Entry *entry)
{
	int column = (int)((x_of(drawing, entry->time) - LEFT) / COLUMN);

	return (unsigned)CLAMP(column, 0, N_COLUMNS - 1);
}

/* Of a number from 0 to 1. (libm is not needed for anything else.) */
static double root(double square)
{
	double x = 1;

	for (int i = 0; i < 20; i++)
		x = (x + square / x) / 2;
	return x;
}

/* As high as the root of what it stands for, so that a few beside many are seen. */
static void add_column(
	const Drawing *drawing, Verdict verdict, unsigned i, unsigned n, unsigned max)
{
	GString *out = drawing->out;
	int64_t begin = drawing->build->begin + drawing->span * i / N_COLUMNS;
	g_autofree char *time = show_time(begin);
	double height = MAX(2, root((double)n / max) * COLUMNS_HEIGHT);

	add_number(out, "<rect x=\"", LEFT + (double)i * COLUMN);
	add_number(out, "\" y=\"", drawing->y + COLUMNS_HEIGHT - height);
	add_number(out, "\" height=\"", height);
	g_string_append_printf(out,
		"\" width=\"%d\" class=\"%s\"><title>%s: %u %s</title></rect>\n", COLUMN - 1,
		journal_verdict_name(verdict), time, n, journal_verdict_name(verdict));
}

/* Says what the highest of them stands for. */
static void draw_columns(const Drawing *drawing, Verdict verdict)
{
	const Build *build = drawing->build;
	unsigned n[N_COLUMNS] = {}, max = 0;

	for (unsigned i = build->first; i < build->first + build->n_entries; i++) {
		const Entry *entry = drawing->report->entries->pdata[i];

		if (is_in(entry, verdict))
			max = MAX(max, ++n[column_of(drawing, entry)]);
	}
	g_string_append_printf(drawing->out,
		"<text x=\"%d\" y=\"%d\" class=\"tick end\">%u</text>\n", LEFT - 6, drawing->y + 9,
		max);
	for (unsigned i = 0; i < N_COLUMNS; i++)
		if (n[i] > 0)
			add_column(drawing, verdict, i, n[i], max);
}

static void draw_band(Drawing *drawing, Verdict verdict)
{
	const Build *build = drawing->build;
	const char *word = journal_verdict_name(verdict);
	unsigned n = 0;
	int n_lanes = 0, height;
	g_autofree int *lanes = NULL;

	for (unsigned i = build->first; i < build->first + build->n_entries; i++)
		n += is_in(drawing->report->entries->pdata[i], verdict);
	if (n == 0)
		return;
	lanes = lanes_of(drawing, verdict, &n_lanes);
	height = lanes ? n_lanes * LANE : COLUMNS_HEIGHT;
	g_string_append_printf(drawing->out,
		"<use href=\"#m-%s\" x=\"10\" y=\"%d\" class=\"%s\" />"
		"<text x=\"22\" y=\"%d\">%s %u</text>\n",
		word, drawing->y + height / 2, word, drawing->y + height / 2 + 4, word, n);
	if (lanes)
		draw_marks(drawing, lanes);
	else
		draw_columns(drawing, verdict);
	g_string_append_printf(drawing->out,
		"<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\" class=\"rule\" />\n",
		LEFT + WIDTH + RIGHT, drawing->y + height + GAP / 2, drawing->y + height + GAP / 2);
	drawing->y += height + GAP;
}

/* So many microseconds between two marks of the axis: 1, 2 or 5 times a power of ten. */
static int64_t tick_of(int64_t span)
{
	int64_t tick = 1;

	while (span / tick > 10) {
		if (span / (tick * 2) <= 10)
			return tick * 2;
		if (span / (tick * 5) <= 10)
			return tick * 5;
		tick *= 10;
	}
	return tick;
}

static void draw_axis(const Drawing *drawing)
{
	const int64_t tick = tick_of(drawing->span);
	GString *out = drawing->out;

	for (int64_t us = 0; us <= drawing->span; us += tick) {
		double x = x_of(drawing, drawing->build->begin + us);
		char digits[G_ASCII_DTOSTR_BUF_SIZE];

		add_number(out, "<line x1=\"", x);
		add_number(out, "\" x2=\"", x);
		g_string_append_printf(
			out, "\" y1=\"%d\" y2=\"%d\" class=\"tick\" />", TOP - 6, drawing->y);
		add_number(out, "<text x=\"", x);
		g_ascii_formatd(digits, sizeof digits, "%.6g", (double)us / G_USEC_PER_SEC);
		g_string_append_printf(
			out, "\" y=\"%d\" class=\"tick\">%s s</text>\n", drawing->y + 14, digits);
	}
}

/* A flag above all bands, and a line through them. */
static void draw_first_change(const Drawing *drawing)
{
	const Entry *entry = drawing->build->first_change;
	GString *out = drawing->out;
	g_autofree char *path = NULL;
	double x;

	if (!entry)
		return;
	x = x_of(drawing, entry->time);
	path = show_path(drawing->report, entry->output->path);
	add_number(out, "<line x1=\"", x);
	add_number(out, "\" x2=\"", x);
	g_string_append_printf(out, "\" y1=\"14\" y2=\"%d\" class=\"first\" />\n", drawing->y);
	add_number(out, "<text x=\"", x > LEFT + WIDTH / 2.0 ? x - 6 : x + 6);
	g_string_append_printf(out, "\" y=\"20\" class=\"first%s\">first change: ",
		x > LEFT + WIDTH / 2.0 ? " end" : "");
	html_text(out, path);
	g_string_append(out, "</text>\n");
}

void timeline_draw(Page *page, const Build *build)
{
	g_autoptr(GString) inside = g_string_new(NULL), label = g_string_new(NULL);
	Drawing drawing = {
		inside, page, page->report, build, MAX(1, build->end - build->begin), TOP};
	GString *out = page->out;

	for (size_t i = 0; i < G_N_ELEMENTS(bands); i++)
		draw_band(&drawing, bands[i]);
	draw_first_change(&drawing);
	show_count(label, build->n_entries, "verdict");
	show_verdicts(label, build->n_verdicts);
	g_string_append_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"line\" viewBox=\"0 0 %d %d\" "
		"role=\"img\" aria-label=\"Time line: %s\">\n",
		LEFT + WIDTH + RIGHT, drawing.y + 22, label->str);
	drawing.out = out;
	draw_axis(&drawing);
	g_string_append_len(out, inside->str, (gssize)inside->len);
	g_string_append(out, "</svg>\n");
}
