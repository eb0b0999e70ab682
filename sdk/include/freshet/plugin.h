/* Freshet plugin ABI, version 1.0. C11 and C++17; needs no other header than these two.
 *
 * A plugin proposes what to remove; it removes nothing itself. It runs alone in a locked process: it sees only the
 * granted roots, by the functions below, and any other system call ends it. Rules that hold everywhere:
 *
 *  - Every struct that crosses the border starts with `size`, the sizeof its writer was compiled with. Structs only
 *    ever grow at the end. A reader looks at no field beyond `size`.
 *  - Strings are bytes with a length; names are not always UTF-8. `char *` alone means NUL-terminated.
 *  - Pointers handed to a function are valid until it returns, unless its comment says otherwise.
 *  - Exceptions and longjmp must not cross the border.
 *  - Times are nanoseconds since the epoch (UTC), sizes are bytes.
 *
 * State tags, one on every function:
 *   [entry]          inside freshet_plugin_entry, before any task exists
 *   [configured]     after `configure` returned a task, before and after `scan`
 *   [scanning]       inside `scan` or `verify`, on the thread that called it
 *   [worker thread]  inside `scan` or `verify`, on any thread the plugin started
 */
#ifndef FRESHET_PLUGIN_H
#define FRESHET_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FRESHET_ABI_MAJOR 1
#define FRESHET_ABI_MINOR 1

#if defined(__GNUC__)
#define FRESHET_EXPORT __attribute__((visibility("default")))
#else
#define FRESHET_EXPORT
#endif

/* Embeds the manifest: FRESHET_MANIFEST("id = \"org.example.x\"\n..."), once in a plugin, at file scope. */
#if defined(__GNUC__)
#define FRESHET_MANIFEST(text)                                                             \
  __attribute__((section(".freshet.manifest"), used, retain)) static const char            \
      freshet_manifest_text[] = text
#endif

typedef struct freshet_version {
  uint32_t major;
  uint32_t minor;
} freshet_version;

typedef int32_t freshet_status;
enum {
  FRESHET_OK = 0,
  FRESHET_END = 1,        /* nothing (more) there; not an error */
  FRESHET_INVALID = -1,   /* an argument or a setting is wrong */
  FRESHET_UNREADABLE = -2,/* the directory could not be read; the host has noted it */
  FRESHET_CANCELLED = -3, /* the host wants the scan to end */
  FRESHET_UNKNOWN = -4,   /* unknown task kind */
  FRESHET_FAILED = -5,    /* anything else */
  FRESHET_NO_MEMORY = -6  /* from a plugin: an allocation failed. The task ends at its memory limit */
};

typedef struct freshet_bytes {
  const char *data;
  size_t length;
} freshet_bytes;

/* ---- settings ---- */

typedef uint32_t freshet_value_type;
enum {
  FRESHET_BOOLEAN = 1,
  FRESHET_INTEGER = 2,
  FRESHET_NUMBER = 3,
  FRESHET_STRING = 4,
  FRESHET_DURATION = 5, /* nanoseconds, in `integer` */
  FRESHET_SIZE = 6,     /* bytes, in `integer` */
  FRESHET_STRINGS = 7   /* a list, in `strings` and `count` */
};

typedef struct freshet_setting {
  uint32_t size;
  freshet_value_type type; /* always the manifest's; the host has checked it */
  const char *name;
  int64_t integer; /* BOOLEAN (0 or 1), INTEGER, DURATION, SIZE */
  double number;   /* NUMBER */
  freshet_bytes string;
  const freshet_bytes *strings;
  uint64_t count;
} freshet_setting;

/* ---- what a scan sees ---- */

typedef uint32_t freshet_entry_type;
enum {
  FRESHET_TYPE_UNKNOWN = 0,
  FRESHET_FILE = 1,
  FRESHET_DIRECTORY = 2,
  FRESHET_SYMLINK = 3,
  FRESHET_FIFO = 4,
  FRESHET_SOCKET = 5,
  FRESHET_CHAR_DEVICE = 6,
  FRESHET_BLOCK_DEVICE = 7
};

enum {
  FRESHET_ENTRY_MOUNT_POINT = 1u << 0, /* another file system is mounted here; cannot be opened or proposed */
  FRESHET_ENTRY_LINK_TO_DIRECTORY = 1u << 1
};

/* One entry of a directory, as statx(2) saw it without following a link. */
typedef struct freshet_entry {
  uint32_t size;
  freshet_entry_type type;
  freshet_bytes name; /* valid until the next dir_next or dir_close of this directory */
  uint64_t ordinal;   /* position in this listing, from 0; names the entry in a finding */
  uint64_t inode;
  uint64_t bytes;     /* apparent size */
  uint64_t allocated; /* bytes on disk */
  int64_t mtime, atime, ctime;
  int64_t btime;      /* 0: the file system has none */
  uint32_t links;
  uint32_t uid, gid;
  uint32_t mode;      /* permission bits only */
  uint32_t flags;
} freshet_entry;

typedef struct freshet_root {
  uint32_t size;
  uint32_t index;
  freshet_bytes path; /* as the operator wrote it; for messages only, it cannot be opened */
} freshet_root;

typedef struct freshet_dir freshet_dir; /* an open directory; owned by the host, ended by dir_close */

typedef uint32_t freshet_finding_kind;
enum { FRESHET_AGED = 1, FRESHET_ORPHAN = 2, FRESHET_OVER_QUOTA = 3, FRESHET_LEFTOVER = 4 };

typedef uint32_t freshet_cost_class;
enum { FRESHET_UNIQUE = 0, FRESHET_REGENERABLE = 1, FRESHET_REDOWNLOADABLE = 2 };

/* What a plugin proposes: one entry of a directory that is open in this scan. A directory goes only if every entry
 * below it was proposed too. */
typedef struct freshet_finding {
  uint32_t size;
  freshet_finding_kind kind;
  freshet_dir *directory;
  const freshet_entry *entry; /* as dir_next filled it; copies are fine, its name must be intact */
  freshet_bytes reason;       /* plain words, UTF-8, at most 512 bytes: "mtime 41 d, limit 30 d" */
  freshet_cost_class cost;
  uint32_t reserved;
  uint64_t cost_bytes;        /* with REDOWNLOADABLE: bytes to fetch again */
} freshet_finding;

typedef uint32_t freshet_log_level;
enum { FRESHET_LOG_DEBUG = 1, FRESHET_LOG_INFO = 2, FRESHET_LOG_WARNING = 3, FRESHET_LOG_ERROR = 4 };

/* ---- what the host gives a plugin: twelve functions, all required; the table lives as long as the process ---- */

typedef struct freshet_host freshet_host;
struct freshet_host {
  uint32_t size;
  freshet_version abi; /* of the host */
  void *context;       /* the host's own */

  /* Purpose: an optional feature by id ("org.freshet.in-use"), at least of this revision.
   * Return: a table described by the feature's own header, owned by the host, or NULL when unknown.
   * [entry] [configured] [scanning] [worker thread] */
  const void *(*feature)(const freshet_host *host, const char *id, uint32_t revision);

  /* Purpose: a line for the log, attributed to this task; cut at 1024 bytes, at most 200 lines a scan.
   * [entry] [configured] [scanning] [worker thread] */
  void (*log)(const freshet_host *host, freshet_log_level level, const char *text, size_t length);

  /* Purpose: the time of the plan, one value for the whole scan.
   * Return: nanoseconds since the epoch. [configured] [scanning] [worker thread] */
  int64_t (*now)(const freshet_host *host);

  /* Purpose: asks whether the scan should end; cheap enough for every entry.
   * Return: non-zero to end. [scanning] [worker thread] */
  int32_t (*cancelled)(const freshet_host *host);

  /* Purpose: progress beyond what the host counts itself; `total` 0 means unknown. [scanning] */
  void (*progress)(const freshet_host *host, uint64_t done, uint64_t total);

  /* Purpose: the granted roots, by index from 0. `out->size` must be set by the caller.
   * Return: OK, or END past the last. `out->path` lives as long as the process. [configured] [scanning] */
  freshet_status (*root)(const freshet_host *host, uint32_t index, freshet_root *out);

  /* Purpose: opens a directory: a root (parent NULL, `root` its index) or a subdirectory by name. Links, mount points
   * and what the operator excluded are never opened.
   * Return: OK; UNREADABLE; INVALID for a bad argument. *out is owned by the host; end it with dir_close, children
   * before parents. [scanning] */
  freshet_status (*dir_open)(const freshet_host *host, uint32_t root, freshet_dir *parent, freshet_bytes name,
                             freshet_dir **out);

  /* Purpose: the next entry, in no particular order. `out->size` must be set by the caller.
   * Return: OK, END, or UNREADABLE when the listing broke off. [scanning] */
  freshet_status (*dir_next)(const freshet_host *host, freshet_dir *directory, freshet_entry *out);

  /* Purpose: ends a directory. One closed before END counts as not wholly read, and then never goes as a whole.
   * [scanning] */
  void (*dir_close)(const freshet_host *host, freshet_dir *directory);

  /* Purpose: proposes an entry. Its directory must still be open.
   * Return: OK, INVALID, or CANCELLED. [scanning] */
  freshet_status (*emit_finding)(const freshet_host *host, const freshet_finding *finding);

  /* Purpose: a buffer of at least `bytes` from the host's pool, or NULL. Owned by the plugin until buffer_put.
   * [scanning] [worker thread] */
  void *(*buffer_get)(const freshet_host *host, size_t bytes);

  /* Purpose: gives a buffer back; NULL is allowed. [scanning] [worker thread] */
  void (*buffer_put)(const freshet_host *host, void *buffer);
};

/* ---- what a plugin gives the host: six functions ---- */

typedef struct freshet_task freshet_task; /* the plugin's own */

typedef struct freshet_plugin {
  uint32_t size;
  freshet_version abi; /* the plugin was compiled with: FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR */

  /* Purpose: names the task kinds, by index from 0; each must be in the manifest. Required.
   * Return: OK, or END past the last. *kind lives as long as the plugin. [entry] [configured] */
  freshet_status (*describe)(uint32_t index, const char **kind);

  /* Purpose: makes a task from settings that fit the manifest's schema, defaults filled in. Required.
   * Arguments: `settings` and all it points to live until the call returns.
   * Return: OK and *out; INVALID (say why with host->log); UNKNOWN. [configured] */
  freshet_status (*configure)(const freshet_host *host, const char *kind, const freshet_setting *settings,
                              uint64_t count, freshet_task **out);

  /* Purpose: walks the granted roots and emits findings. Required. No thread may outlive the call.
   * Return: OK only when everything that matters was seen; UNREADABLE when not; CANCELLED; FAILED. [scanning] */
  freshet_status (*scan)(freshet_task *task, const freshet_host *host);

  /* Purpose: looks again after the removal; may read and log, may propose nothing. Optional (NULL).
   * Return: OK when the world is as the task wants it. [scanning] */
  freshet_status (*verify)(freshet_task *task, const freshet_host *host);

  /* Purpose: ends a task and frees what it holds. Required. [configured] */
  void (*destroy)(freshet_task *task);

  /* Purpose: an optional feature of the plugin by id and revision. Optional (NULL).
   * Return: a table owned by the plugin, or NULL when unknown. [configured] */
  const void *(*feature)(const char *id, uint32_t revision);
} freshet_plugin;

/* The one exported symbol. Purpose: fills `out`; `out->size` says how much room the host has.
 * Return: OK, or FAILED (say why with host->log). [entry] */
FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out);

#ifdef __cplusplus
}

static_assert(sizeof(freshet_version) == 8, "the ABI is 64-bit");
#endif

/* The one compatibility rule, for hosts and plugins alike: below 1.0 the minor versions must be equal. */
static inline int freshet_abi_compatible(freshet_version host, freshet_version plugin) {
  if (host.major != plugin.major) return 0;
  return host.major == 0 ? host.minor == plugin.minor : host.minor >= plugin.minor;
}

#endif /* FRESHET_PLUGIN_H */
