/* Reads a file of its own grant without having asked for `read`: through the feature, and past the host. `target` is the
 * file's name in the first root. What it reads it logs. */
#include <fcntl.h>
#include <freshet/contents.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("read-inside", HOSTILE_TEXT("target", "text"));

static void try_path(const freshet_host *host, const char *path) {
  char text[128] = {0};
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  hostile_result(host, "openat gave", fd);
  if (fd < 0) return;
  if (read((int)fd, text, sizeof text - 1) > 0) host->log(host, FRESHET_LOG_WARNING, text, strlen(text));
}

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  char path[4400];
  hostile_say(host, "the feature is there:", host->feature(host, FRESHET_CONTENTS_ID, 1) != NULL);
  snprintf(path, sizeof path, "/r/0/%s", task->target);
  try_path(host, path);
  freshet_root root = {.size = sizeof root};
  if (host->root(host, 0, &root) == FRESHET_OK) {
    snprintf(path, sizeof path, "%.*s/%s", (int)root.path.length, root.path.data, task->target);
    try_path(host, path);
  }
  freshet_dir *dir = NULL;
  if (host->dir_open(host, 0, NULL, (freshet_bytes){NULL, 0}, &dir) != FRESHET_OK) return FRESHET_UNREADABLE;
  host->dir_close(host, dir);
  return FRESHET_OK;
}

HOSTILE_ENTRY
