/* Does its work, and keeps what `how` says when its task has been destroyed. */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("leak", HOSTILE_TEXT("how", "nothing"));

static void *volatile kept;

static void *sleep_on(void *argument) {
  const struct timespec long_time = {1000, 0};
  (void)argument;
  for (;;) nanosleep(&long_time, NULL);
  return NULL;
}

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  enum { kMemory = 1 << 20, kMuchMemory = 16 << 20 };
  if (strcmp(task->how, "memory") == 0) {
    kept = malloc(kMemory);
    if (kept) memset(kept, 1, kMemory);
  } else if (strcmp(task->how, "pages") == 0) {
    /* Of the kernel itself, past the host's allocator. */
    char *memory = (char *)sbrk(kMuchMemory);
    if (memory != (char *)-1) memset(memory, 1, kMuchMemory);
  } else if (strcmp(task->how, "thread") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_on, NULL) != 0) return FRESHET_FAILED;
  } else if (strcmp(task->how, "descriptor") == 0) {
    /* Where a worker finds its first root. */
    if (open("/r/0", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0) return FRESHET_FAILED;
  } else if (strcmp(task->how, "buffer") == 0) {
    kept = host->buffer_get(host, 100000);
  } else if (strcmp(task->how, "late-write") == 0) {
    char *buffer = (char *)host->buffer_get(host, 5000);
    if (!buffer) return FRESHET_FAILED;
    host->buffer_put(host, buffer);
    buffer[1234] = 1;
  }
  return FRESHET_OK;
}

HOSTILE_ENTRY
