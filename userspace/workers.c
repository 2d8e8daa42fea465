// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the same for many things, on all processors
 *
 * A worker takes the next number that nobody has, does it, and writes what came
 * of it to its pipe. The caller reads all pipes and hands results on in order.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "workers.h"

/* Goes before a result and its text */
struct frame {
	size_t number;
	size_t length;
};

struct done {
	bool known;
	char *text;
	void *result;
};

/* What all workers see */
struct shared {
	atomic_size_t next;
};

struct crew {
	const struct work *work;
	struct shared *shared;
	struct done *done;
	size_t delivered;
	size_t finished;
	unsigned int count;
	struct pollfd *pipes;
	pid_t *pids;
	/* What each worker has taken and not given back, or work->count */
	size_t *taken;
};

static bool write_all(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t count = write(fd, data, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return false;
		data = (const char *)data + count;
		size -= count;
	}
	return true;
}

static bool read_all(int fd, void *data, size_t size)
{
	while (size) {
		ssize_t count = read(fd, data, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		data = (char *)data + count;
		size -= count;
	}
	return true;
}

static bool perform(const struct work *work, size_t number, int fd)
{
	struct frame frame = { .number = number };
	void *result = allocate(1, work->result_size);
	char *text = NULL;
	FILE *out;
	bool good;

	/* The number alone: it is taken */
	if (!write_all(fd, &number, sizeof(number)))
		return false;
	out = open_memstream(&text, &frame.length);
	if (!out)
		out_of_memory();
	work->perform(work->context, number, out, result);
	if (fclose(out))
		out_of_memory();
	good = write_all(fd, &frame, sizeof(frame)) &&
	       write_all(fd, result, work->result_size) &&
	       write_all(fd, text, frame.length);
	free(text);
	free(result);
	return good;
}

static void __attribute__((noreturn))
run_worker(const struct work *work, struct shared *shared, int fd)
{
	size_t number;

	for (;;) {
		number = atomic_fetch_add(&shared->next, 1);
		if (number >= work->count || !perform(work, number, fd))
			_exit(0);
	}
}

static bool start_worker(struct crew *crew, unsigned int i)
{
	int ends[2];

	crew->pipes[i].fd = -1;
	crew->pipes[i].events = POLLIN;
	crew->taken[i] = crew->work->count;
	if (pipe(ends))
		return false;
	crew->pids[i] = fork();
	if (!crew->pids[i]) {
		close(ends[0]);
		run_worker(crew->work, crew->shared, ends[1]);
	}
	close(ends[1]);
	crew->pipes[i].fd = ends[0];
	if (crew->pids[i] < 0) {
		close(ends[0]);
		crew->pipes[i].fd = -1;
		return false;
	}
	return true;
}

static void deliver_known(struct crew *crew)
{
	const struct work *work = crew->work;

	while (crew->delivered < work->count &&
	       crew->done[crew->delivered].known) {
		struct done *done = &crew->done[crew->delivered];

		work->deliver(work->context, crew->delivered, done->text,
			      done->result);
		free(done->text);
		free(done->result);
		memset(done, 0, sizeof(*done));
		crew->delivered++;
	}
}

static void finish(struct crew *crew, size_t number, char *text, void *result)
{
	crew->done[number].known = true;
	crew->done[number].text = text;
	crew->done[number].result = result;
	crew->finished++;
	deliver_known(crew);
	if (crew->work->progress)
		crew->work->progress(crew->work->context, crew->finished);
}

/* A frame's rest; false when the worker is gone */
static bool receive(struct crew *crew, unsigned int i)
{
	int fd = crew->pipes[i].fd;
	struct frame frame;
	void *result;
	char *text;

	if (crew->taken[i] == crew->work->count)
		return read_all(fd, &crew->taken[i], sizeof(crew->taken[i]));

	if (!read_all(fd, &frame, sizeof(frame)))
		return false;
	result = allocate(1, crew->work->result_size);
	text = allocate(frame.length + 1, 1);
	if (!read_all(fd, result, crew->work->result_size) ||
	    !read_all(fd, text, frame.length)) {
		free(result);
		free(text);
		return false;
	}
	crew->taken[i] = crew->work->count;
	finish(crew, frame.number, text, result);
	return true;
}

/* Dead with something in hand: that comes to nothing, another one goes on. */
static bool bury(struct crew *crew, unsigned int i)
{
	size_t taken = crew->taken[i];

	close(crew->pipes[i].fd);
	crew->pipes[i].fd = -1;
	waitpid(crew->pids[i], NULL, 0);
	if (taken == crew->work->count)
		return true;
	finish(crew, taken, NULL, NULL);
	return start_worker(crew, i);
}

static bool any_left(const struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->count; i++) {
		if (crew->pipes[i].fd >= 0)
			return true;
	}
	return false;
}

static bool wait_for_all(struct crew *crew)
{
	unsigned int i;

	while (crew->finished < crew->work->count) {
		if (!any_left(crew))
			return false;
		if (poll(crew->pipes, crew->count, -1) < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		for (i = 0; i < crew->count; i++) {
			if (crew->pipes[i].fd < 0 || !crew->pipes[i].revents)
				continue;
			if (!receive(crew, i) && !bury(crew, i))
				return false;
		}
	}
	return true;
}

static void dismiss(struct crew *crew)
{
	unsigned int i;
	size_t number;

	for (i = 0; i < crew->count; i++) {
		if (crew->pipes[i].fd < 0)
			continue;
		close(crew->pipes[i].fd);
		waitpid(crew->pids[i], NULL, 0);
	}
	for (number = 0; number < crew->work->count; number++) {
		free(crew->done[number].text);
		free(crew->done[number].result);
	}
	free(crew->done);
	free(crew->pipes);
	free(crew->pids);
	free(crew->taken);
	munmap(crew->shared, sizeof(*crew->shared));
}

/**
 * work_do() - do work
 * @work: the work
 * @workers: how many processes do it
 *
 * Return: false where no processes or pipes were to be had; some may be done.
 */
bool work_do(const struct work *work, unsigned int workers)
{
	struct crew crew = { .work = work };
	bool good = true;
	unsigned int i;

	if (workers > work->count)
		workers = work->count;
	crew.shared = mmap(NULL, sizeof(*crew.shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew.shared == MAP_FAILED)
		return false;
	crew.done = allocate(work->count, sizeof(*crew.done));
	crew.pipes = allocate(workers, sizeof(*crew.pipes));
	crew.pids = allocate(workers, sizeof(*crew.pids));
	crew.taken = allocate(workers, sizeof(*crew.taken));

	fflush(NULL);
	for (i = 0; i < workers && good; i++) {
		good = start_worker(&crew, i);
		crew.count = i + 1;
	}
	good = good && wait_for_all(&crew);
	dismiss(&crew);
	return good;
}
