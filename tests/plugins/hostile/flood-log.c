/* Writes `most` lines of a kilobyte to the log: terminal escapes, line ends and bytes that are no text in each. */
#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("flood-log", HOSTILE_NUMBER("most", "1000000"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  static const char kForged[] = "\033[2J\r\nfreshet: all is well\n\377\376";
  char line[1024];
  memset(line, 'x', sizeof line);
  memcpy(line, kForged, sizeof kForged - 1);
  for (long i = 0; i < task->most; i++) host->log(host, FRESHET_LOG_ERROR, line, sizeof line);
  return FRESHET_OK;
}

HOSTILE_ENTRY
