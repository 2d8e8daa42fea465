// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that end as soon as they have begun
 *
 * Nobody waits for a thread in the kernel: it takes itself off the list of tasks and
 * goes on to its end.
 *
 * usage: threads SECONDS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAKERS	4	/* so that each CPU has some, and they take turns */

static time_t end;

static void *nothing(void *unused)
{
	return NULL;
}

/* How many; or -1 */
static void *make(void *unused)
{
	pthread_t thread;
	long count;

	for (count = 0; time(NULL) < end; count++) {
		if (pthread_create(&thread, NULL, nothing, NULL) ||
		    pthread_join(thread, NULL))
			return (void *)-1;
	}
	return (void *)count;
}

int main(int argc, char **argv)
{
	pthread_t maker[MAKERS];
	long count, sum = 0;
	unsigned int i;
	void *result;

	if (argc != 2) {
		fprintf(stderr, "usage: threads SECONDS\n");
		return 2;
	}
	end = time(NULL) + atoi(argv[1]);
	for (i = 0; i < MAKERS; i++) {
		if (pthread_create(&maker[i], NULL, make, NULL))
			return 1;
	}
	for (i = 0; i < MAKERS; i++) {
		pthread_join(maker[i], &result);
		count = (long)result;
		if (count < 0)
			return 1;
		sum += count;
	}
	printf("%ld threads\n", sum);
	return 0;
}
