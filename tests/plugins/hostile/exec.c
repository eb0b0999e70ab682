/* Starts a shell that creates `target`. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("exec", HOSTILE_TEXT("target", "/tmp/freshet-hostile-ran"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  char shell[] = "/bin/sh", flag[] = "-c", script[] = ": > \"$0\"";
  char *const arguments[] = {shell, flag, script, (char *)task->target, NULL};
  char *const environment[] = {NULL};
  hostile_result(host, "execve gave", syscall(SYS_execve, shell, arguments, environment));
  return FRESHET_OK;
}

HOSTILE_ENTRY
