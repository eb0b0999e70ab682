/* Creates a file, by default outside the grant, and writes to it; then removes `target`.victim, if there is one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("write-outside", HOSTILE_TEXT("target", "/tmp/freshet-hostile-was-here"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  const long fd = syscall(SYS_openat, AT_FDCWD, task->target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  hostile_result(host, "openat gave", fd);
  if (fd >= 0) hostile_result(host, "write gave", syscall(SYS_write, fd, "hostile\n", 8));
  char victim[sizeof task->target + 8];
  snprintf(victim, sizeof victim, "%s.victim", task->target);
  hostile_result(host, "unlinkat gave", syscall(SYS_unlinkat, AT_FDCWD, victim, 0));
  return FRESHET_OK;
}

HOSTILE_ENTRY
