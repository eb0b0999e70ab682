/* Allocates without end, and touches every page: `most` MiB. Where it runs without a sandbox, set `most` low. */
#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("allocate", HOSTILE_NUMBER("most", "1000000000"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  const size_t mebibyte = (size_t)1 << 20;
  for (long i = 0; i < task->most; i++) {
    char *block = (char *)malloc(mebibyte);
    if (!block) {
      hostile_say(host, "no more memory after MiB:", i);
      return FRESHET_FAILED;
    }
    for (size_t at = 0; at < mebibyte; at += 4096) ((volatile char *)block)[at] = (char)(i + 1);
  }
  hostile_say(host, "got all MiB:", task->most);
  return FRESHET_OK;
}

HOSTILE_ENTRY
