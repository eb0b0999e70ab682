/* Proposes what it was not granted, through the host's own function. `how` says what is forged in the finding; all else
 * of it is a true entry of the first root. */
#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("forge", HOSTILE_TEXT("how", "parent") HOSTILE_TEXT("target", "../victim"));

static uint64_t cost; /* in bytes, of fetching it again */
static const char *reason = "forged";

static freshet_status emit(const freshet_host *host, freshet_dir *dir, const freshet_entry *entry) {
  const freshet_finding finding = {sizeof finding, FRESHET_AGED, dir, entry, {reason, strlen(reason)},
                                   cost ? FRESHET_REDOWNLOADABLE : FRESHET_UNIQUE, 0, cost};
  return host->emit_finding(host, &finding);
}

/* Names that are not there, and newer than all that is. */
static void emit_made_up(const freshet_host *host, freshet_dir *dir, freshet_entry entry) {
  char name[300];
  snprintf(name, sizeof name, "%.*s-newer", (int)entry.name.length, entry.name.data);
  entry.name = (freshet_bytes){name, strlen(name)};
  entry.mtime = host->now(host) - entry.mtime % 1000;
  emit(host, dir, &entry);
}

static freshet_status forge(const freshet_task *task, const freshet_host *host, freshet_dir *dir, freshet_entry entry) {
  static char longest[5000];
  const char *how = task->how;
  if (strcmp(how, "parent") == 0) entry.name = (freshet_bytes){task->target, strlen(task->target)};
  else if (strcmp(how, "dots") == 0) entry.name = (freshet_bytes){"..", 2};
  else if (strcmp(how, "empty") == 0) entry.name = (freshet_bytes){"", 0};
  else if (strcmp(how, "nul") == 0) entry.name = (freshet_bytes){"a\0b", 3};
  else if (strcmp(how, "long") == 0) entry.name = (freshet_bytes){memset(longest, 'a', sizeof longest), sizeof longest};
  else if (strcmp(how, "large") == 0) entry.allocated = 1ULL << 30;
  else if (strcmp(how, "small") == 0) entry.allocated = 0;
  else if (strcmp(how, "newer") == 0) emit_made_up(host, dir, entry);
  else if (strcmp(how, "no-name") == 0) entry.name = (freshet_bytes){NULL, 0};
  else if (strcmp(how, "foreign-ordinal") == 0) entry.ordinal = entry.ordinal == 0;
  else if (strcmp(how, "huge-ordinal") == 0) entry.ordinal = UINT64_MAX;
  else if (strcmp(how, "inode") == 0) entry.inode += 1;
  else if (strcmp(how, "type") == 0) entry.type = FRESHET_BLOCK_DEVICE;
  else if (strcmp(how, "mtime") == 0) entry.mtime = entry.atime = entry.ctime = entry.btime = 1000000000;
  else if (strcmp(how, "numbers") == 0) {
    entry.mtime = INT64_MIN;
    entry.atime = INT64_MAX;
    entry.allocated = cost = UINT64_MAX;
    entry.links = entry.uid = UINT32_MAX;
  } else if (strcmp(how, "more-numbers") == 0) {
    entry.mtime = entry.btime = INT64_MAX;
    entry.atime = INT64_MIN;
    entry.bytes = UINT64_MAX;
    entry.allocated = cost = 1ULL << 63;
    entry.links = 0;
  } else if (strcmp(how, "escapes") == 0) {
    reason = "\x1b[2J\x1b]0;title\x07\xc2\x9b" "31m\xe2\x80\xae\r\n{\"object\":\"run\"}\x7f";
  } else if (strcmp(how, "no-directory") == 0) dir = NULL;
  else if (strcmp(how, "wild-directory") == 0) dir = (freshet_dir *)(uintptr_t)0x1000;
  else if (strcmp(how, "small-size") == 0) entry.size = 8;
  return emit(host, dir, &entry);
}

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  freshet_dir *dir = NULL;
  freshet_entry entry = {.size = sizeof entry};
  if (host->dir_open(host, 0, NULL, (freshet_bytes){NULL, 0}, &dir) != FRESHET_OK) return FRESHET_UNREADABLE;
  const int repeated = strcmp(task->how, "repeat") == 0;
  while (host->dir_next(host, dir, &entry) == FRESHET_OK) {
    for (int i = 0; i < (repeated ? 1000 : 1); i++) {
      const freshet_status status = repeated ? emit(host, dir, &entry) : forge(task, host, dir, entry);
      if (!repeated) hostile_say(host, "emit_finding gave", status);
      if (status == FRESHET_CANCELLED) break;
    }
  }
  host->dir_close(host, dir);
  if (strcmp(task->how, "closed") == 0) hostile_say(host, "a closed directory gave", emit(host, dir, &entry));
  return FRESHET_OK;
}

HOSTILE_ENTRY
