/* Asks for limits of its own, and says in the log how much it can have of each: descriptors, threads, MiB of memory. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("limited") PLAIN_ABI
                 "permissions = { required = [\"remove\"] }\n"
                 "limits = { memory = \"64MiB\", threads = 3, fds = 40 }\n" PLAIN_TASK);

enum { MOST = 200 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

static int count_threads(void) {
  pthread_t threads[MOST];
  int count = 0;
  pthread_mutex_lock(&gate);
  while (count < MOST && pthread_create(&threads[count], NULL, wait_at_gate, NULL) == 0) count++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  return count;
}

static int count_descriptors(const char *path) {
  int fds[MOST];
  int count = 0;
  while (count < MOST && (fds[count] = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) count++;
  for (int i = 0; i < count; i++) close(fds[i]);
  return count;
}

static int count_memory(void) {
  static void *parts[MOST];
  int count = 0;
  while (count < MOST && (parts[count] = malloc(1 << 20)) != NULL) count++;
  for (int i = 0; i < count; i++) free(parts[i]);
  return count;
}

static freshet_status limited_scan(freshet_task *task, const freshet_host *host) {
  (void)task;
  char line[128];
  const int length = snprintf(line, sizeof line, "limits: %d descriptors, %d threads, %d MiB.", count_descriptors("/r/0"), count_threads(), count_memory());
  host->log(host, FRESHET_LOG_WARNING, line, (size_t)length);
  return FRESHET_OK;
}

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  const freshet_status status = plain_entry(host, out);
  out->scan = limited_scan;
  return status;
}
