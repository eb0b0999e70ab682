/* The feature org.freshet.ipc, revision 2: System V and POSIX objects of the host. C11 and C++17.
 *
 * Off unless the manifest asks for the permission `ipc` and the operator grants it: without both,
 * host->feature(host, FRESHET_IPC_ID, 1) is NULL. A plugin sees no object itself: what it is shown is a list that the host
 * made outside before the scan, of the owners and kinds that are granted. What is removed of them cannot be taken back.
 *
 * Revision 2 (ABI 1.1) has POSIX message queues too. Who asks for revision 1 is not shown any. */
#ifndef FRESHET_IPC_H
#define FRESHET_IPC_H

#include "freshet/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_IPC_ID "org.freshet.ipc"
#define FRESHET_IPC_REVISION 2

typedef uint32_t freshet_ipc_kind;
enum {
  FRESHET_IPC_SHM = 0,       /* System V shared memory */
  FRESHET_IPC_SEM = 1,       /* System V semaphores */
  FRESHET_IPC_MSG = 2,       /* System V message queue */
  FRESHET_IPC_POSIX_SHM = 3, /* a file in /dev/shm */
  FRESHET_IPC_POSIX_SEM = 4, /* likewise, named sem.NAME */
  FRESHET_IPC_POSIX_MSG = 5  /* POSIX message queue. Since revision 2 */
};

/* Who may still want an object: bits of freshet_ipc_object.alive. One that cannot be known is set. */
enum {
  FRESHET_IPC_PROCESS_LIVES = 1, /* System V: the process that made it, or the last one that used it, has not ended. POSIX
                                    message queue: a process has it open, or it was used in the second of the look */
  FRESHET_IPC_OWNER_LIVES = 2    /* a process of its owner or of its creator runs */
};

typedef struct freshet_ipc_object {
  uint32_t size;
  freshet_ipc_kind kind;
  freshet_bytes name; /* of POSIX objects, in /dev/shm; of a queue, without its slash; empty for System V. Any bytes; lives as
                         long as the process */
  int32_t id, key;    /* of System V objects */
  uint32_t uid;       /* its owner */
  uint32_t creator;   /* uid; of POSIX objects the owner */
  int64_t changed;    /* nanoseconds since the epoch: last changed by shmctl and the like; of POSIX objects its mtime */
  int64_t used;       /* likewise, last used: attached or detached, operated on, sent or received; 0: never. POSIX: its atime;
                         of a queue both are when a message was last sent or received, or later */
  uint64_t bytes;     /* of shared memory and queues. POSIX queue: what its messages take at most */
  uint64_t count;     /* attached processes; semaphores in the set; messages in the queue. POSIX queue that is open: 0 */
  uint32_t alive;     /* bits of the enumeration above, when the list was made */
} freshet_ipc_object;

typedef struct freshet_ipc {
  uint32_t size;
  uint32_t revision;

  /* Purpose: the objects that are granted, by index from 0. `out->size` must be set by the caller. Required.
   * Return: OK, END past the last, INVALID. [scanning] */
  freshet_status (*object)(const freshet_host *host, uint64_t index, freshet_ipc_object *out);

  /* Purpose: proposes to remove the object of that index. What is attached, or waited for, stays whatever is proposed.
   * Required.
   * Arguments: `reason` in plain words, UTF-8, at most 512 bytes.
   * Return: OK, INVALID, or CANCELLED. [scanning] */
  freshet_status (*propose)(const freshet_host *host, uint64_t index, freshet_finding_kind kind, freshet_bytes reason);
} freshet_ipc;

#ifdef __cplusplus
}
#endif

#endif /* FRESHET_IPC_H */
