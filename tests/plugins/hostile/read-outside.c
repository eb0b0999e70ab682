/* Opens a file outside the grant and puts what it reads into the log. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("read-outside", HOSTILE_TEXT("target", "/etc/passwd"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  const long fd = syscall(SYS_openat, AT_FDCWD, task->target, O_RDONLY | O_CLOEXEC, 0);
  hostile_result(host, "openat gave", fd);
  if (fd < 0) return FRESHET_OK;
  char text[512];
  const long length = syscall(SYS_read, fd, text, sizeof text);
  if (length > 0) host->log(host, FRESHET_LOG_WARNING, text, (size_t)length);
  return FRESHET_OK;
}

HOSTILE_ENTRY
