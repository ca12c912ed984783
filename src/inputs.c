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
typedef struct Read Read;
typedef struct Reader Reader;
typedef struct Step Step;

struct File {
	FileId id;
	struct timespec mtime; /* another one: somebody else has written it since */
	Process *writer;       /* owned; NULL: unknown */
	GList link;            /* in inputs->written */
};

/* A file, by one of its names. */
struct Read {
	FileId id;
	unsigned name;
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
	GHashTable *read; /* Read, owned: those whose paths have been told */
	GPtrArray *names; /* of those, strings that nobody has asked for yet; NULL: none */
	bool more;        /* than that */
};

struct Inputs {
	pthread_mutex_t lock;
	/* all of these: lock */
	GHashTable *steps;              /* first -> Step, owned */
	GQueue used;                    /* Step, the last used first */
	unsigned n_read;                /* files, of all of them */
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

static guint read_hash(gconstpointer key)
{
	const Read *read = key;

	return file_id_hash(&read->id) ^ read->name;
}

static gboolean read_equal(gconstpointer a, gconstpointer b)
{
	const Read *x = a, *y = b;

	return x->name == y->name && file_id_equal(&x->id, &y->id);
}

static void step_free(gpointer data)
{
	Step *step = data;

	step_process_unref(step->first);
	g_hash_table_unref(step->read);
	g_clear_pointer(&step->names, g_ptr_array_unref);
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

static void step_forget_names(Inputs *inputs, Step *step)
{
	inputs->n_read -= g_hash_table_size(step->read);
	g_hash_table_remove_all(step->read);
	g_clear_pointer(&step->names, g_ptr_array_unref);
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
	step->read = g_hash_table_new_full(read_hash, read_equal, g_free, NULL);
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
static void step_add_name(Inputs *inputs, Step *step, const Read *read, const char *path)
{
	if (!g_hash_table_add(step->read, g_memdup2(read, sizeof(*read))))
		return;
	if (!step->names)
		step->names = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(step->names, g_strdup(path));
	inputs->n_read++;
	for (GList *l = inputs->used.tail; inputs->n_read > INPUTS_ALL_NAMES_MAX; l = l->prev)
		if (g_hash_table_size(((Step *)l->data)->read) > 0)
			step_forget_names(inputs, l->data);
}

/* Whose file this is an input of; NULL: nobody's. */
static Step *step_of_reader(Inputs *inputs, pid_t tid, Process *reader, const struct stat *st)
{
	const File *file;

	if (!reader)
		reader = reader_find(inputs, tid);
	if (!reader)
		return NULL;
	file = file_find(inputs, st);
	return file && step_is_inside(file->writer, reader) ? NULL : step_get(inputs, reader);
}

bool inputs_read(Inputs *inputs, pid_t tid, Process *reader, const struct stat *st,
	const struct timespec *mtime, unsigned name)
{
	const Read read = {file_id(st), name};
	Step *step;
	HOLD(&inputs->lock);

	if (reader && tid > 0)
		reader_set(inputs, tid, reader);
	step = step_of_reader(inputs, tid, reader, st);
	if (!step)
		return false;
	if (time_before(&step->newest, mtime))
		step->newest = *mtime;
	if (g_hash_table_contains(step->read, &read))
		return false;
	if (g_hash_table_size(step->read) < INPUTS_NAMES_MAX)
		return true;
	step->more = true;
	return false;
}

void inputs_name_read(Inputs *inputs, pid_t tid, Process *reader, const struct stat *st,
	unsigned name, const char *path)
{
	const Read read = {file_id(st), name};
	Step *step;
	HOLD(&inputs->lock);

	step = step_of_reader(inputs, tid, reader, st);
	if (step)
		step_add_name(inputs, step, &read, path);
}

GPtrArray *inputs_take_names(Inputs *inputs, Process *writer, bool *ret_more)
{
	Step *step;
	HOLD(&inputs->lock);

	step = writer ? step_find(inputs, writer) : NULL;
	*ret_more = step && step->more;
	return step ? g_steal_pointer(&step->names) : NULL;
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
