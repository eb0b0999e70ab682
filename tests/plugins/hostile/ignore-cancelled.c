/* Lists the first root over and over for an hour, and looks neither at `cancelled` nor at any answer. */
#include <time.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("ignore-cancelled", HOSTILE_NUMBER("most", "3600"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    freshet_dir *dir = NULL;
    freshet_entry entry = {.size = sizeof entry};
    if (host->dir_open(host, 0, NULL, (freshet_bytes){NULL, 0}, &dir) == FRESHET_OK) {
      while (host->dir_next(host, dir, &entry) == FRESHET_OK) {
      }
      host->dir_close(host, dir);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec - start.tv_sec < task->most);
  return FRESHET_OK;
}

HOSTILE_ENTRY
