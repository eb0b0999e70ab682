/* Says so on its standard error, and ends by a signal. `how`: segv, abort, trap, stack; or stop, which ends nothing. */
#include <signal.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("crash", HOSTILE_TEXT("how", "segv"));

static int *volatile nowhere = (int *)8;
static volatile int depth;

static int overflow(volatile char *outer) {
  volatile char block[65536];
  block[0] = outer[0];
  depth++;
  const int inner = depth < 1000000 ? overflow(block) : 0;
  return inner + block[0];
}

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  volatile char start = 1;
  static const char last_words[] = "last words\n";
  if (write(2, last_words, sizeof last_words - 1) < 0) hostile_say(host, "write gave", -1);
  if (strcmp(task->how, "abort") == 0) abort();
  if (strcmp(task->how, "stop") == 0) {
    for (int i = 0; i < 1000; i++) raise(i % 2 ? SIGTSTP : SIGSTOP);
    return FRESHET_OK;
  }
  if (strcmp(task->how, "trap") == 0) __builtin_trap();
  if (strcmp(task->how, "stack") == 0) overflow(&start);
  *nowhere = 1;
  hostile_say(host, "a write to address", 8);
  return FRESHET_OK;
}

HOSTILE_ENTRY
