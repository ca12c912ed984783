/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gprintf.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing.h"
#include "request.h"

#define ANSWER_MS 60000 /* whatever is not answered by then never is */
#define MESSAGE_MAX (1 << 20)
#define N_CALLS_MAX 8
#define INTERRUPT_BIT 1 /* of a number: the interrupt of the request with that number */

/* ---- inodes and open files ---- */

Inode *kernel_inode(const Kernel *kernel, uint64_t id)
{
	for (unsigned i = 0; i < kernel->inodes->len; i++) {
		Inode *inode = kernel->inodes->pdata[i];

		if (inode->id == id)
			return inode;
	}
	return NULL;
}

Open *kernel_opened(const Kernel *kernel, uint64_t fh)
{
	for (unsigned i = 0; fh && i < kernel->opens->len; i++) {
		Open *open = kernel->opens->pdata[i];

		if (open->fh == fh)
			return open;
	}
	return NULL;
}

static Inode *know_inode(Kernel *kernel, uint64_t id, uint32_t mode)
{
	Inode *inode = g_new0(Inode, 1);

	inode->id = id;
	inode->mode = mode;
	g_ptr_array_add(kernel->inodes, inode);
	return inode;
}

static void add_inode(Kernel *kernel, const struct fuse_entry_out *entry)
{
	Inode *inode = kernel_inode(kernel, entry->nodeid);

	if (!inode) {
		inode = know_inode(kernel, entry->nodeid, entry->attr.mode);
	} else {
		/* The kernel takes a change of its type for an I/O error. */
		g_assert_cmpuint(inode->mode & S_IFMT, ==, entry->attr.mode & S_IFMT);
	}
	inode->mode = entry->attr.mode;
	inode->n_lookups++;
	kernel->id = inode->id;
}

static void add_open(Kernel *kernel, const Call *call, uint64_t id, const struct fuse_open_out *out)
{
	Inode *inode = kernel_inode(kernel, id);
	Open *open = g_new0(Open, 1);

	g_assert_null(kernel_opened(kernel, out->fh));
	/* A number that has been drawn by lot: it can only be one of ours. */
	if (!inode)
		inode = know_inode(kernel, id, call->opcode == FUSE_OPENDIR ? S_IFDIR : S_IFREG);
	open->fh = out->fh;
	open->id = id;
	open->flags = call->flags;
	open->is_dir = call->opcode == FUSE_OPENDIR;
	inode->n_users++;
	g_ptr_array_add(kernel->opens, open);
	kernel->fh = out->fh;
}

static void name_call(Kernel *kernel, const Call *call, int change)
{
	Inode *inode = kernel_inode(kernel, call->id);
	Open *open = kernel_opened(kernel, call->fh);

	if (inode)
		inode->n_users += (unsigned)change;
	if (open)
		open->n_calls += (unsigned)change;
}

/* ---- answers ---- */

/* With FUZZ_TRACE in the environment, to see what a file of the corpus comes to. */
G_GNUC_PRINTF(1, 2) static void trace(const char *format, ...)
{
	va_list ap;

	if (!g_getenv("FUZZ_TRACE"))
		return;
	va_start(ap, format);
	g_vfprintf(stderr, format, ap);
	va_end(ap);
}

static void check_listing(const char *body, size_t size)
{
	while (size > 0) {
		struct fuse_dirent entry;
		g_autofree char *name = NULL;
		size_t whole;

		g_assert_cmpuint(size, >=, FUSE_NAME_OFFSET);
		memcpy(&entry, body, FUSE_NAME_OFFSET);
		whole = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
		g_assert_cmpuint(whole, <=, size);
		name = g_strndup(body + FUSE_NAME_OFFSET, entry.namelen);
		g_assert_cmpuint(strlen(name), ==, entry.namelen);
		g_assert_cmpuint(entry.namelen, >, 0);
		g_assert_null(strchr(name, '/'));
		g_assert_false(backing_is_hidden(name));
		g_assert_cmpstr(name, !=, ".lklfs");
		body += whole;
		size -= whole;
	}
}

static void take_entry(Kernel *kernel, const Call *call, const char *body, size_t size)
{
	struct fuse_entry_out entry;
	bool creates = call->opcode == FUSE_CREATE || call->opcode == FUSE_TMPFILE;

	g_assert_cmpuint(size, ==, sizeof entry + (creates ? sizeof(struct fuse_open_out) : 0));
	memcpy(&entry, body, sizeof entry);
	/* A name that is absent, and may be cached. */
	if (entry.nodeid == 0) {
		g_assert_cmpuint(call->opcode, ==, FUSE_LOOKUP);
		return;
	}
	add_inode(kernel, &entry);
	if (creates) {
		struct fuse_open_out out;

		memcpy(&out, body + sizeof entry, sizeof out);
		add_open(kernel, call, entry.nodeid, &out);
	}
}

static void take_success(Kernel *kernel, const Call *call, const char *body, size_t size)
{
	struct fuse_open_out open;
	struct fuse_write_out write;

	switch (call->opcode) {
	case FUSE_LOOKUP:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		take_entry(kernel, call, body, size);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		g_assert_cmpuint(size, ==, sizeof open);
		memcpy(&open, body, sizeof open);
		add_open(kernel, call, call->id, &open);
		break;
	case FUSE_WRITE:
		g_assert_cmpuint(size, ==, sizeof write);
		memcpy(&write, body, sizeof write);
		g_assert_cmpuint(write.size, <=, call->size);
		kernel->n = write.size;
		break;
	case FUSE_READDIR:
		check_listing(body, size);
		G_GNUC_FALLTHROUGH;
	case FUSE_READ:
		g_assert_cmpuint(size, <=, call->size);
		break;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		g_assert_cmpuint(
			size, <=, call->size ? call->size : sizeof(struct fuse_getxattr_out));
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		g_assert_cmpuint(size, ==, sizeof(struct fuse_attr_out));
		break;
	}
}

static void check_notice(const struct fuse_out_header *header)
{
	g_assert_cmpint(header->error, >, 0);
	g_assert_cmpint(header->error, <, FUSE_NOTIFY_CODE_MAX);
}

static void take_answer(Kernel *kernel, const char *message, size_t size)
{
	struct fuse_out_header header;
	guint at;

	g_assert_cmpuint(size, >=, sizeof header);
	memcpy(&header, message, sizeof header);
	g_assert_cmpuint(header.len, ==, size);
	if (header.unique == 0) {
		check_notice(&header);
		return;
	}
	trace("%u: %d, %zu bytes\n", (unsigned)header.unique, header.error, size - sizeof header);
	g_assert_cmpint(header.error, <=, 0);
	g_assert_cmpint(header.error, >, -512);
	g_assert_true(header.error == 0 || size == sizeof header);
	/* An interrupt that has come too late. */
	if (header.unique & INTERRUPT_BIT)
		return;
	for (at = 0; at < kernel->calls->len; at++) {
		const Call *call = kernel->calls->pdata[at];

		if (call->unique != header.unique)
			continue;
		name_call(kernel, call, -1);
		kernel->error = header.error;
		kernel->answer = message + sizeof header;
		kernel->answer_size = size - sizeof header;
		if (header.error == 0)
			take_success(kernel, call, message + sizeof header, size - sizeof header);
		g_ptr_array_remove_index(kernel->calls, at);
		return;
	}
	/* Answered twice, or never asked. */
	g_assert_not_reached();
}

static void receive(Kernel *kernel)
{
	static char message[MESSAGE_MAX];
	struct pollfd p = {.fd = kernel->fd, .events = POLLIN};
	ssize_t n;

	/* A request that nobody answers. */
	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	g_assert_cmpint(n, ==, 1);
	n = recv(kernel->fd, message, sizeof message, 0);
	g_assert_cmpint(n, >, 0);
	take_answer(kernel, message, (size_t)n);
}

static bool is_waiting(const Kernel *kernel, uint64_t unique)
{
	for (unsigned i = 0; i < kernel->calls->len; i++)
		if (((Call *)kernel->calls->pdata[i])->unique == unique)
			return true;
	return false;
}

/* ---- requests ---- */

static bool is_cut(uint32_t opcode)
{
	return opcode != FUSE_RELEASE && opcode != FUSE_RELEASEDIR && opcode != FUSE_FORGET &&
	       opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT && opcode != FUSE_INIT;
}

static void send_request(Kernel *kernel, uint32_t opcode, uint64_t unique, uint64_t id,
	const void *body, size_t size)
{
	g_autofree char *message = NULL;
	struct fuse_in_header header = {
		.opcode = opcode,
		.unique = unique,
		.nodeid = id,
		.uid = kernel->uid,
		.gid = kernel->uid,
		.pid = (uint32_t)kernel->pid,
	};

	if (kernel->cut > 0 && is_cut(opcode)) {
		size -= MIN(size, kernel->cut);
		kernel->cut = 0;
	}
	header.len = (uint32_t)(sizeof header + size);
	trace("%u: opcode %u of %u, process %d, %zu bytes", (unsigned)unique, opcode, (unsigned)id,
		kernel->pid, size);
	for (size_t i = 0; i < MIN(size, 64); i++)
		trace(g_ascii_isgraph(((const char *)body)[i]) ? " %c" : " %02x",
			((const uint8_t *)body)[i]);
	trace("\n");
	message = g_malloc(header.len);
	memcpy(message, &header, sizeof header);
	if (size > 0)
		memcpy(message + sizeof header, body, size);
	g_assert_cmpint(send(kernel->fd, message, header.len, 0), ==, (ssize_t)header.len);
}

static uint32_t wanted_size(uint32_t opcode, const GByteArray *body)
{
	struct fuse_read_in read;
	struct fuse_write_in write;
	struct fuse_getxattr_in xattr;

	if (opcode == FUSE_READ || opcode == FUSE_READDIR)
		return memcpy(&read, body->data, sizeof read), read.size;
	if (opcode == FUSE_WRITE)
		return memcpy(&write, body->data, sizeof write), write.size;
	if (opcode == FUSE_GETXATTR || opcode == FUSE_LISTXATTR)
		return memcpy(&xattr, body->data, sizeof xattr), xattr.size;
	return 0;
}

static uint32_t wanted_flags(uint32_t opcode, const GByteArray *body)
{
	uint32_t flags = 0;

	/* The first field of all three. */
	if (opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE ||
		opcode == FUSE_TMPFILE)
		memcpy(&flags, body->data, sizeof flags);
	return flags;
}

static void call(Kernel *kernel, uint32_t opcode, uint64_t id, uint64_t fh, const GByteArray *body)
{
	Call *call = g_new0(Call, 1);
	uint64_t unique = kernel->unique += 2;

	while (kernel->calls->len >= N_CALLS_MAX) {
		kernel_interrupt(kernel);
		receive(kernel);
	}
	call->unique = unique;
	call->id = id;
	call->fh = fh;
	call->opcode = opcode;
	call->size = wanted_size(opcode, body);
	call->flags = wanted_flags(opcode, body);
	g_ptr_array_add(kernel->calls, call);
	name_call(kernel, call, 1);
	kernel->error = 0;
	kernel->id = kernel->fh = kernel->n = 0;
	send_request(kernel, opcode, unique, id, body->data, body->len);
	while (!kernel->later && is_waiting(kernel, unique))
		receive(kernel);
}

void kernel_call(Kernel *kernel, uint32_t opcode, uint64_t id, const GByteArray *body)
{
	call(kernel, opcode, id, 0, body);
}

void kernel_call_open(Kernel *kernel, uint32_t opcode, Open *open, const GByteArray *body)
{
	call(kernel, opcode, open->id, open->fh, body);
}

void kernel_release(Kernel *kernel, Open *open, uint32_t flags, uint64_t lock_owner)
{
	const struct fuse_release_in in = {
		.fh = open->fh,
		.flags = open->flags,
		.release_flags = flags,
		.lock_owner = lock_owner,
	};
	g_autoptr(GByteArray) body = g_byte_array_new();
	uint64_t id = open->id;
	uint32_t opcode = open->is_dir ? FUSE_RELEASEDIR : FUSE_RELEASE;
	pid_t pid = kernel->pid;

	g_assert_cmpuint(open->n_calls, ==, 0);
	g_byte_array_append(body, (const uint8_t *)&in, sizeof in);
	kernel_inode(kernel, id)->n_users--;
	/* The number may be another's as soon as it is answered. */
	g_ptr_array_remove(kernel->opens, open);
	kernel->pid = 0;
	call(kernel, opcode, id, 0, body);
	kernel->pid = pid;
}

void kernel_forget(Kernel *kernel, Inode *const *inodes, unsigned n_inodes, uint64_t n)
{
	g_autoptr(GByteArray) body = g_byte_array_new();
	const struct fuse_batch_forget_in in = {.count = n_inodes};
	uint64_t id = inodes[0]->id;

	if (n_inodes > 1)
		g_byte_array_append(body, (const uint8_t *)&in, sizeof in);
	for (unsigned i = 0; i < n_inodes; i++) {
		const struct fuse_forget_one one = {inodes[i]->id, MIN(n, inodes[i]->n_lookups)};

		if (n_inodes > 1)
			g_byte_array_append(body, (const uint8_t *)&one, sizeof one);
		else
			g_byte_array_append(
				body, (const uint8_t *)&one.nlookup, sizeof one.nlookup);
		inodes[i]->n_lookups -= one.nlookup;
	}
	send_request(kernel, n_inodes > 1 ? FUSE_BATCH_FORGET : FUSE_FORGET, kernel->unique += 2,
		n_inodes > 1 ? 0 : id, body->data, body->len);
	for (unsigned i = 0; i < n_inodes; i++)
		if (inodes[i]->n_lookups == 0)
			g_ptr_array_remove(kernel->inodes, inodes[i]);
}

void kernel_interrupt(Kernel *kernel)
{
	struct fuse_interrupt_in in;

	if (kernel->calls->len == 0)
		return;
	in.unique = ((Call *)kernel->calls->pdata[0])->unique;
	send_request(kernel, FUSE_INTERRUPT, in.unique | INTERRUPT_BIT, 0, &in, sizeof in);
}

/* ---- the connection ---- */

static void no_log(enum fuse_log_level level G_GNUC_UNUSED, const char *format G_GNUC_UNUSED,
	va_list ap G_GNUC_UNUSED)
{
}

static void make_session(Kernel *kernel, int fd)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	g_autofree char *path = g_strdup_printf("/dev/fd/%d", fd);

	fuse_set_log_func(no_log);
	fuse_opt_add_arg(&args, "lklfs");
	kernel->se = fuse_session_new(&args, &request_ops, sizeof request_ops, kernel->fs);
	fuse_opt_free_args(&args);
	g_assert_nonnull(kernel->se);
	/* libfuse takes such a name for a connection that is there already. */
	g_assert_cmpint(fuse_session_mount(kernel->se, path), ==, 0);
	g_assert_cmpint(fuse_session_fd(kernel->se), ==, fd);
}

static void init_connection(Kernel *kernel)
{
	const struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 131072,
		.flags = FUSE_INIT_EXT - 1u,
	};
	g_autoptr(GByteArray) body = g_byte_array_new();

	g_byte_array_append(body, (const uint8_t *)&in, sizeof in);
	kernel_call(kernel, FUSE_INIT, 0, body);
	g_assert_cmpint(kernel->error, ==, 0);
	/* Who may do what in the root is checked on this. */
	g_byte_array_set_size(body, sizeof(struct fuse_getattr_in));
	memset(body->data, 0, body->len);
	kernel_call(kernel, FUSE_GETATTR, FUSE_ROOT_ID, body);
	g_assert_cmpint(kernel->error, ==, 0);
}

void kernel_begin(Kernel *kernel, const Options *options, int root_fd, const char *dir)
{
	const struct fuse_entry_out root = {.nodeid = FUSE_ROOT_ID, .attr.mode = S_IFDIR | 0755};
	int fds[2];

	*kernel = (Kernel){.options = *options};
	kernel->inputs = inputs_new();
	kernel->inodes = g_ptr_array_new_with_free_func(g_free);
	kernel->opens = g_ptr_array_new_with_free_func(g_free);
	kernel->calls = g_ptr_array_new_with_free_func(g_free);
	add_inode(kernel, &root);
	kernel->ready_fd = eventfd(0, EFD_CLOEXEC);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
	kernel->fd = fds[0];
	g_assert_cmpint(
		fs_new(&kernel->options, kernel->inputs, NULL, root_fd, dir, &kernel->fs), ==, 0);
	make_session(kernel, fds[1]);
	g_assert_cmpint(request_start(kernel->fs, kernel->se, kernel->ready_fd), ==, 0);
	init_connection(kernel);
}

static void drain(Kernel *kernel)
{
	kernel->later = false;
	while (kernel->calls->len > 0) {
		kernel_interrupt(kernel);
		receive(kernel);
	}
}

int kernel_end(Kernel *kernel)
{
	int r;

	drain(kernel);
	while (kernel->opens->len > 0)
		kernel_release(kernel, kernel->opens->pdata[0], 0, 0);
	while (kernel->inodes->len > 1) {
		Inode *inode = kernel->inodes->pdata[kernel->inodes->len - 1];

		g_assert_cmpuint(inode->n_users, ==, 0);
		kernel_forget(kernel, &inode, 1, UINT64_MAX);
	}
	shutdown(kernel->fd, SHUT_WR);
	request_join(kernel->fs);
	r = fs_finish(kernel->fs, false);
	fuse_session_destroy(kernel->se);
	kernel->fs = fs_free(kernel->fs);
	kernel->inputs = inputs_free(kernel->inputs);
	options_clear(&kernel->options);
	g_ptr_array_unref(kernel->inodes);
	g_ptr_array_unref(kernel->opens);
	g_ptr_array_unref(kernel->calls);
	close(kernel->fd);
	close(kernel->ready_fd);
	return r;
}
