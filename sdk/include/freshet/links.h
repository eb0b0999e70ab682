/* The feature org.freshet.links, revision 1: where a symbolic link points to. C11 and C++17.
 *
 * A target is what is in a link, so it takes the permission `read`, as freshet/contents.h has it: without it
 * host->feature(host, FRESHET_LINKS_ID, 1) is NULL. Nothing is followed: the target is the bytes that stand in the link. */
#ifndef FRESHET_LINKS_H
#define FRESHET_LINKS_H

#include "freshet/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_LINKS_ID "org.freshet.links"
#define FRESHET_LINKS_REVISION 1
#define FRESHET_LINKS_LONGEST 4095 /* bytes of a target; Linux makes no longer ones */

typedef struct freshet_links {
  uint32_t size;
  uint32_t revision;

  /* Purpose: the target of a link, by its name in a directory that is open in this scan. Required.
   * Arguments: `to` has `room` bytes; FRESHET_LINKS_LONGEST always suffice.
   * Return: OK and *got bytes in `to`, without a terminator; UNREADABLE when it cannot be read (the host has noted it) or is
   * gone; INVALID for a bad argument, a root without `read`, an excluded entry, what is no link, and a target that is not
   * shorter than `room` (LONGEST excepted). [scanning] */
  freshet_status (*target)(const freshet_host *host, freshet_dir *directory, freshet_bytes name, char *to, size_t room,
                           size_t *got);
} freshet_links;

#ifdef __cplusplus
}
#endif

#endif /* FRESHET_LINKS_H */
