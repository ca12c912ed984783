/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks: a process with its ancestors, as they were when it asked. A Process is constant once
 * made, shared by count, and identified by pid and start time, so that a reused pid is somebody
 * else. Steps is who has been seen lately, so that few have to be read again. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Process Process;
typedef struct Steps Steps;

#define STEPS_KNOWN_MAX 64

/* drivers: a NULL-terminated list of command names, or NULL; it outlives the result. n_max: how
 * many are remembered at most, two descriptors each; 0: nobody. Any thread may use it: it has a
 * lock of its own, which is a leaf. */
Steps *steps_new(char *const *drivers, unsigned n_max);
Steps *steps_free(Steps *steps);

/* Who the thread tid is: its process and all ancestors, as they are now. The answer for somebody
 * who is remembered may be the same Process as before. Reads /proc, which can wait for this very
 * file system: never call it with a lock held, nor from a thread that serves READ, WRITE, SETATTR
 * or RELEASE. Returns -ESRCH if there is no such process (any more), or it cannot be seen. */
int step_process_new(Steps *steps, pid_t tid, Process **ret_process);

/* The same of somebody who is remembered, and whose ancestors are. NULL: ask the other. Reads only
 * what waits for nobody; no lock held. */
Process *step_process_known(Steps *steps, pid_t tid);

Process *step_process_ref(Process *process);
Process *step_process_unref(Process *process);

/* An array that owns the references in it. */
GPtrArray *step_process_array_new(void);

/* Whether two are the same process. NULL is nobody, and the same as nothing. */
bool step_process_equal(const Process *a, const Process *b);

/* Whether the process is, or descends from, or is an ancestor of, opener. */
bool step_is_family(const Process *process, const Process *opener);

/* Whether both run inside the same build step. A process without a driver above it is a step of its
 * own; but all of them that are git are one. NULL is in no step. */
bool step_equal(const Process *a, const Process *b);

/* Whether the process runs inside the build step of opener, be it in a step further in. */
bool step_is_inside(const Process *process, const Process *opener);

/* The process that the build step began with; not NULL, and no reference is taken. */
Process *step_first(Process *process);
/* Of a process that is a key; step_process_equal() goes with it. */
unsigned step_process_hash(const Process *process);

/* Whether driver is the build driver directly above the step of process. */
bool step_is_driver_of(const Process *driver, const Process *process);

/* Whether the process is git, and no driver is above it. False if it cannot be told who is. */
bool step_is_free_git(const Process *process);

/* The process, a git, changes files itself, and so do all that the topmost git above it runs.
 * Atomic.
 */
void step_note_change(Process *process);

/* Whether bytes that process reads stay within the step of writer: they are of one, and process is
 * no git that only reads, which what is made of it may be outside. */
bool step_keeps_to_itself(const Process *process, const Process *writer);

/* Whether the process is a git that no driver runs, and has not changed any file. */
bool step_is_reading_git(const Process *process);

/* The git that the process (may be NULL) is, or the topmost above that runs it; no reference is
 * taken. NULL: it is no git. */
Process *step_git(Process *process);

/* A descriptor that can be read when the process has ended. Does not wait. Returns 0, -ESRCH if it
 * has ended already, or -errno. */
int step_open_end(const Process *process, int *ret_fd);

/* Finds out what the process and the first one of its step were called with (of other users'
 * processes only their names), unless that is known.
 * It is remembered as it was when asked for first: whoever executes another program later keeps it.
 * Reads /proc, like step_process_new(). */
void step_learn_arguments(Process *process);

/* Whether that has been done. */
bool step_has_arguments(Process *process);

/* What it has found; NULL-terminated, lives as long as the process. NULL: nothing. */
char *const *step_arguments(const Process *process);

/* Of a process that is not NULL. */
pid_t step_pid(const Process *process);

/* Whether the process itself is a build driver. */
bool step_is_driver(const Process *process);

/* Whether the process has gone, or the step that it belongs to has ended; zombies have gone, and
 * whoever cannot be looked at has not. Reads /proc, like step_process_new(). */
bool step_has_ended(const Process *process);
