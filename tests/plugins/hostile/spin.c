/* Does nothing, for ever. */
#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("spin", "");

static volatile int forever = 1;

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  (void)task, (void)host;
  while (forever) {
  }
  return FRESHET_OK;
}

HOSTILE_ENTRY
