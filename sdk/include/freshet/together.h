/* The feature org.freshet.together, revision 1: findings that go all or not at all. C11 and C++17.
 *
 * Every host has it; it needs no permission. What is proposed between `begin` and `commit` is one whole: a build directory
 * with all that is in it, a revision and its files. Where a single one of its entries has to stay, all stay: one that is in
 * use or locked, pinned, younger than a floor, taken by another task, over the budget. Findings may lie in any directories of
 * the scan, and go in the order in which they were proposed; when one turns out to be changed or in use at the last moment,
 * those behind it stay. A directory all of whose entries are in the whole goes in one step, or stays as it is. IPC objects
 * (freshet/ipc.h) belong to no whole. */
#ifndef FRESHET_TOGETHER_H
#define FRESHET_TOGETHER_H

#include "freshet/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_TOGETHER_ID "org.freshet.together"
#define FRESHET_TOGETHER_REVISION 1

typedef struct freshet_together {
  uint32_t size;
  uint32_t revision;

  /* Purpose: begins a whole. Required.
   * Return: OK; INVALID when one has begun and not ended; CANCELLED. [scanning] */
  freshet_status (*begin)(const freshet_host *host);

  /* Purpose: ends the whole; what was proposed since `begin` stands. Required.
   * Return: OK; INVALID when none has begun. [scanning] */
  freshet_status (*commit)(const freshet_host *host);

  /* Purpose: ends the whole; what was proposed since `begin` is withdrawn, as if it had never been. So is what a scan that
   * ends leaves open. Required.
   * Return: OK; INVALID when none has begun. [scanning] */
  freshet_status (*abandon)(const freshet_host *host);

  /* Purpose: the whole goes only if no process holds this entry: a lock file beside a download. It is not proposed by that.
   * `directory` is open, `entry` as dir_next filled it. Required.
   * Return: OK; INVALID outside of a whole or for a bad argument. [scanning] */
  freshet_status (*needs_free)(const freshet_host *host, freshet_dir *directory, const freshet_entry *entry);
} freshet_together;

#ifdef __cplusplus
}
#endif

#endif /* FRESHET_TOGETHER_H */
