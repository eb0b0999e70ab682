/* The draft feature draft.org.freshet.guard, revision 1: a task that removes nothing, but may say of what others are to remove that it
 * stays. C11 and C++17.
 *
 * A kind with `guard = true` in the manifest is a guard. Its `scan` is called when all other tasks of its channel have
 * proposed; it may walk the roots as any task, and emit_finding is INVALID for it. A guard that fails, or cannot be run,
 * stops every task of its channel: what it did not judge does not go. For other tasks
 * host->feature(host, FRESHET_GUARD_ID, 1) is NULL. */
#ifndef FRESHET_GUARD_H
#define FRESHET_GUARD_H

#include "freshet/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_GUARD_ID "draft.org.freshet.guard"
#define FRESHET_GUARD_REVISION 1

/* An entry that another task is to remove. Its strings live until the next call of `planned`. */
typedef struct freshet_planned {
  uint32_t size;
  uint32_t root;           /* as host->root has it by this index */
  freshet_bytes directory; /* below that root: "a/b"; empty for the root itself */
  freshet_bytes name;
  freshet_entry_type type;
  freshet_finding_kind kind;
  freshet_cost_class cost;
  uint32_t reserved;
  uint64_t bytes;          /* apparent size; 0 for a directory */
  uint64_t allocated;      /* bytes on disk */
  int64_t mtime, atime;
  freshet_bytes task;      /* that proposed it, as the operator calls it */
  freshet_bytes reason;    /* that task's */
} freshet_planned;

typedef struct freshet_guard {
  uint32_t size;
  uint32_t revision;

  /* Purpose: the planned entries, by index from 0, each task's together. Cheapest in order. `out->size` must be set by the
   * caller. Required.
   * Return: OK, END past the last, INVALID. [scanning] */
  freshet_status (*planned)(const freshet_host *host, uint64_t index, freshet_planned *out);

  /* Purpose: says that the entry of that index stays, and with it every directory above it. There is no way back. Required.
   * Arguments: `reason` in plain words, UTF-8, at most 512 bytes; people see it with the figure of what stayed for it.
   * Return: OK, INVALID, or CANCELLED. [scanning] */
  freshet_status (*keep)(const freshet_host *host, uint64_t index, freshet_bytes reason);
} freshet_guard;

#ifdef __cplusplus
}
#endif

#endif /* FRESHET_GUARD_H */
