/* The feature org.freshet.contents, revision 1: reading what is in files below the roots. C11 and C++17.
 *
 * Off unless the manifest asks for the permission `read` and the operator grants it in `access` of a root: without both,
 * host->feature(host, FRESHET_CONTENTS_ID, 1) is NULL. Where some roots grant it and others do not, it is there, and
 * `open` says INVALID below the others. A plugin that only wants the permission (`optional`) must do without.
 *
 * Only regular files are ever opened, without following a link, for reading, and at most FRESHET_CONTENTS_OPEN at a time.
 * Files that are still open when the scan ends are closed by the host. Reading changes no access time. */
#ifndef FRESHET_CONTENTS_H
#define FRESHET_CONTENTS_H

#include "freshet/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_CONTENTS_ID "org.freshet.contents"
#define FRESHET_CONTENTS_REVISION 1
#define FRESHET_CONTENTS_OPEN 8

typedef struct freshet_file freshet_file; /* an open file; owned by the host, ended by close */

typedef struct freshet_contents {
  uint32_t size;
  uint32_t revision;

  /* Purpose: opens a regular file by its name in a directory that is open in this scan. Required.
   * Return: OK; UNREADABLE when it cannot be opened (the host has noted it) or is gone; INVALID for a bad argument, a root
   * without `read`, an excluded entry, a mount point and whatever is no regular file; FAILED when FRESHET_CONTENTS_OPEN
   * files are open. *out is owned by the host; it may outlive its directory. [scanning] */
  freshet_status (*open)(const freshet_host *host, freshet_dir *directory, freshet_bytes name, freshet_file **out);

  /* Purpose: at most `room` bytes from `offset` (bytes) on, into `to`. Required.
   * Return: OK and *got (1 to room); END and *got 0 at or beyond the end of the file; UNREADABLE on an error of the file
   * system; INVALID for a bad argument. [scanning] */
  freshet_status (*read)(const freshet_host *host, freshet_file *file, uint64_t offset, void *to, size_t room,
                         size_t *got);

  /* Purpose: ends an open file. NULL is allowed. Required. [scanning] */
  void (*close)(const freshet_host *host, freshet_file *file);
} freshet_contents;

#ifdef __cplusplus
}
#endif

#endif /* FRESHET_CONTENTS_H */
