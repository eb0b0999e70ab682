/* Its manifest asks for everything beyond removal, and its channel may grant it: in the worker none of these powers is
 * there. `how` says which one it takes for itself: `flock`, `posix-lock`, `ofd-lock`, `shm`, `sem`, `msg`, `remove-shm`,
 * `mq`, `hook` (runs `target`). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

FRESHET_MANIFEST("id = \"org.freshet.test.take-beyond\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n"
                 "abi = { min = \"1.0\", below = \"2.0\" }\n"
                 "permissions = { required = [\"remove\"], optional = [\"read\", \"lock\", \"hook\", \"ipc\"] }\nirreversible = true\n"
                 "[task.take-beyond]\ndoc = \"Hostile, for the tests\"\n[task.take-beyond.settings]\n" HOSTILE_TEXT("how", "flock")
                     HOSTILE_TEXT("target", "/bin/true"));
static const char *const hostile_kind = "take-beyond";

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const int root = (int)syscall(SYS_openat, AT_FDCWD, "/r/0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  long result = -1;
  if (strcmp(task->how, "flock") == 0) result = syscall(SYS_flock, root, LOCK_EX | LOCK_NB);
  else if (strcmp(task->how, "posix-lock") == 0) result = syscall(SYS_fcntl, root, F_SETLK, &lock);
  else if (strcmp(task->how, "ofd-lock") == 0) result = syscall(SYS_fcntl, root, F_OFD_SETLK, &lock);
  else if (strcmp(task->how, "shm") == 0) result = syscall(SYS_shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  else if (strcmp(task->how, "sem") == 0) result = syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
  else if (strcmp(task->how, "msg") == 0) result = syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600);
  else if (strcmp(task->how, "remove-shm") == 0) result = syscall(SYS_shmctl, 0, IPC_RMID, NULL);
  else if (strcmp(task->how, "mq") == 0) result = syscall(SYS_mq_unlink, "freshet");
  else if (strcmp(task->how, "hook") == 0) {
    const char *arguments[] = {task->target, NULL};
    result = syscall(SYS_execve, task->target, arguments, NULL);
  }
  hostile_result(host, task->how, result);
  return FRESHET_OK;
}

HOSTILE_ENTRY
