/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One entry for a step, by the process that the step began with, and one for each file that was
 * written, by whom. When there are too many, those that have not been used for the longest time go.
 * Of a step that has most likely ended; of a file, it is taken for an input where it is none: a
 * needless new mtime.
 *
 * Who opens a file has to be looked up for this, and a compiler opens hundreds: so for a moment a
 * thread is taken for whom it was last known as. Should its number have become somebody else's in
 * that moment, a file counts as read by the wrong step: a needless new mtime at most, or one that
 * comes with the next run. */

#include "inputs.h"

#include <stdint.h>
#include <string.h>

#include "util.h"

#define INPUTS_STEPS_MAX 4096
#define INPUTS_FILES_MAX 16384
#define INPUTS_NAMES_MAX 1024          /* of one step */
#define INPUTS_ALL_NAMES_MAX (1 << 17) /* of all of them */
#define INPUTS_READERS 512
#define INPUTS_READER_US (1000 * 1000)

typedef struct File File;
typedef struct Reader Reader;
typedef struct Step Step;

struct File {
	FileId id;
	struct timespec mtime; /* another one: somebody else has written it since */
	Process *writer;       /* owned; NULL: unknown */
	GList link;            /* in inputs->written */
};

struct Reader {
	pid_t tid;        /* 0: nobody */
	int64_t until;    /* monotonic microseconds */
	Process *process; /* owned */
};

struct Step {
	Process *first; /* owned */
	GList link;     /* in inputs->used */
	struct timespec newest;
	GHashTable *names; /* GRefString, which is what equal paths have in common, owned -> NULL,
			      or itself if it has been given */
	bool more;         /* than names has */
};

struct Inputs {
	pthread_mutex_t lock;
	/* all of these: lock */
	GHashTable *steps;              /* first -> Step, owned */
	GQueue used;                    /* Step, the last used first */
	unsigned n_names;               /* of all of them */
	GHashTable *files;              /* FileId -> File, owned */
	GQueue written;                 /* File, the last written first */
	Reader readers[INPUTS_READERS]; /* at the thread's number modulo their count */
};

static guint first_hash(gconstpointer first)
{
	return step_process_hash(first);
}

static gboolean first_equal(gconstpointer a, gconstpointer b)
{
	return step_process_equal(a, b);
}

static void step_free(gpointer data)
{
	Step *step = data;

	step_process_unref(step->first);
	g_hash_table_unref(step->names);
	g_free(step);
}

static void file_free(gpointer file)
{
	step_process_unref(((File *)file)->writer);
	g_free(file);
}

Inputs *inputs_new(void)
{
	Inputs *inputs = g_new0(Inputs, 1);

	pthread_mutex_init(&inputs->lock, NULL);
	inputs->steps = g_hash_table_new_full(first_hash, first_equal, NULL, step_free);
	g_queue_init(&inputs->used);
	inputs->files = g_hash_table_new_full(file_id_hash, file_id_equal, NULL, file_free);
	g_queue_init(&inputs->written);
	return inputs;
}

Inputs *inputs_free(Inputs *inputs)
{
	if (!inputs)
		return NULL;
	for (unsigned i = 0; i < INPUTS_READERS; i++)
		step_process_unref(inputs->readers[i].process);
	g_hash_table_unref(inputs->steps);
	g_hash_table_unref(inputs->files);
	pthread_mutex_destroy(&inputs->lock);
	g_free(inputs);
	return NULL;
}

static Reader *reader_at(Inputs *inputs, pid_t tid)
{
	return &inputs->readers[(unsigned)tid % INPUTS_READERS];
}

/* Who the thread is, for the moment; or NULL. */
static Process *reader_find(Inputs *inputs, pid_t tid)
{
	const Reader *reader = reader_at(inputs, tid);

	return tid > 0 && reader->tid == tid && g_get_monotonic_time() < reader->until
		       ? reader->process
		       : NULL;
}

static void reader_set(Inputs *inputs, pid_t tid, Process *process)
{
	Reader *reader = reader_at(inputs, tid);
	Process *old = reader->process;

	*reader =
		(Reader){tid, g_get_monotonic_time() + INPUTS_READER_US, step_process_ref(process)};
	step_process_unref(old);
}

static Step *step_find(Inputs *inputs, Process *process)
{
	Step *step = g_hash_table_lookup(inputs->steps, step_first(process));

	if (step) {
		g_queue_unlink(&inputs->used, &step->link);
		g_queue_push_head_link(&inputs->used, &step->link);
	}
	return step;
}

static void name_free(gpointer name)
{
	g_ref_string_release(name);
}

static void step_forget_names(Inputs *inputs, Step *step)
{
	inputs->n_names -= g_hash_table_size(step->names);
	g_hash_table_remove_all(step->names);
	step->more = true;
}

static Step *step_get(Inputs *inputs, Process *process)
{
	Step *step = step_find(inputs, process);

	if (step)
		return step;
	if (inputs->used.length >= INPUTS_STEPS_MAX) {
		Step *last = g_queue_peek_tail(&inputs->used);

		step_forget_names(inputs, last);
		g_queue_unlink(&inputs->used, &last->link);
		g_hash_table_remove(inputs->steps, last->first);
	}
	step = g_new0(Step, 1);
	step->first = step_process_ref(step_first(process));
	step->link.data = step;
	step->names = g_hash_table_new_full(NULL, NULL, name_free, NULL);
	g_hash_table_insert(inputs->steps, step->first, step);
	g_queue_push_head_link(&inputs->used, &step->link);
	return step;
}

bool inputs_know(Inputs *inputs, pid_t tid)
{
	HOLD(&inputs->lock);

	return reader_find(inputs, tid) != NULL;
}

static void file_remove(Inputs *inputs, File *file)
{
	g_queue_unlink(&inputs->written, &file->link);
	g_hash_table_remove(inputs->files, &file->id);
}

void inputs_wrote(Inputs *inputs, Process *writer, const struct stat *st)
{
	const FileId id = file_id(st);
	File *file;
	HOLD(&inputs->lock);

	file = g_hash_table_lookup(inputs->files, &id);
	if (file)
		file_remove(inputs, file);
	if (inputs->written.length >= INPUTS_FILES_MAX)
		file_remove(inputs, g_queue_peek_tail(&inputs->written));
	file = g_new0(File, 1);
	*file = (File){id, st->st_mtim, writer ? step_process_ref(writer) : NULL, {.data = file}};
	g_hash_table_insert(inputs->files, &file->id, file);
	g_queue_push_head_link(&inputs->written, &file->link);
}

/* What is known of the file as it is; NULL: nothing. */
static const File *file_find(const Inputs *inputs, const struct stat *st)
{
	const FileId id = file_id(st);
	const File *file = g_hash_table_lookup(inputs->files, &id);

	return file && time_equal(&file->mtime, &st->st_mtim) ? file : NULL;
}

bool inputs_is_own(Inputs *inputs, const Process *writer, const struct stat *st)
{
	const File *file;
	HOLD(&inputs->lock);

	file = file_find(inputs, st);
	return file && file->writer && writer && step_equal(file->writer, writer);
}

/* The step has been used last. */
static void step_add_name(Inputs *inputs, Step *step, const char *path)
{
	char *name;

	if (g_hash_table_size(step->names) >= INPUTS_NAMES_MAX) {
		step->more = true;
		return;
	}
	name = g_ref_string_new_intern(path);
	if (g_hash_table_contains(step->names, name)) {
		g_ref_string_release(name);
		return;
	}
	g_hash_table_insert(step->names, name, NULL);
	inputs->n_names++;
	for (GList *l = inputs->used.tail; inputs->n_names > INPUTS_ALL_NAMES_MAX; l = l->prev)
		if (g_hash_table_size(((Step *)l->data)->names) > 0)
			step_forget_names(inputs, l->data);
}

void inputs_read(
	Inputs *inputs, pid_t tid, Process *reader, const struct stat *st, const char *path)
{
	const File *file;
	Step *step;
	HOLD(&inputs->lock);

	if (reader && tid > 0)
		reader_set(inputs, tid, reader);
	if (!reader)
		reader = reader_find(inputs, tid);
	if (!reader)
		return;
	file = file_find(inputs, st);
	if (file && step_is_inside(file->writer, reader))
		return;
	step = step_get(inputs, reader);
	if (time_before(&step->newest, &st->st_mtim))
		step->newest = st->st_mtim;
	step_add_name(inputs, step, path);
}

static int name_compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *inputs_names(Inputs *inputs, Process *writer, bool *ret_more)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(name_free);
	const Step *step;
	GHashTableIter iter;
	gpointer name, given;

	{
		HOLD(&inputs->lock);
		step = writer ? step_find(inputs, writer) : NULL;
		*ret_more = step && step->more;
		if (step) {
			g_hash_table_iter_init(&iter, step->names);
			while (g_hash_table_iter_next(&iter, &name, &given)) {
				if (given)
					continue;
				g_ptr_array_add(names, g_ref_string_acquire(name));
				g_hash_table_iter_replace(&iter, name);
			}
		}
	}
	g_ptr_array_sort(names, name_compare);
	return names;
}

/* inputs->lock held. */
static bool step_has_newer(
	Inputs *inputs, Process *writer, const struct timespec *mtime, struct timespec *ret_newest)
{
	const Step *step = writer ? step_find(inputs, writer) : NULL;

	if (!step || !time_before(mtime, &step->newest))
		return false;
	if (ret_newest)
		*ret_newest = step->newest;
	return true;
}

bool inputs_are_newer(
	Inputs *inputs, Process *writer, const struct timespec *mtime, struct timespec *ret_newest)
{
	HOLD(&inputs->lock);

	return step_has_newer(inputs, writer, mtime, ret_newest);
}

bool inputs_of_file_are_newer(Inputs *inputs, const struct stat *st, const struct timespec *mtime,
	struct timespec *ret_newest)
{
	const File *file;
	HOLD(&inputs->lock);

	file = file_find(inputs, st);
	return file && step_has_newer(inputs, file->writer, mtime, ret_newest);
}
