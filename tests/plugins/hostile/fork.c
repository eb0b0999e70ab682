/* Forks without end: `most` times, each child sleeping for a minute. Where it runs without a sandbox, set `most` low. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("fork", HOSTILE_NUMBER("most", "1000000000"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  long children = 0;
  for (long i = 0; i < task->most; i++) {
    const long child = syscall(SYS_fork);
    if (child == 0) {
      const struct timespec minute = {60, 0};
      syscall(SYS_nanosleep, &minute, NULL);
      syscall(SYS_exit_group, 0);
    }
    if (child > 0) children++;
  }
  hostile_say(host, "children:", children);
  return FRESHET_OK;
}

HOSTILE_ENTRY
