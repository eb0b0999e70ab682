/* A good plugin that has one fault, which FAULT names: one verdict of `freshet plugins check` fails, and no other. */
#include <fcntl.h>
#include <freshet/contents.h>
#include <freshet/plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define none 0
#define plugin_doc 1
#define task_docs 2
#define setting_docs 3
#define setting_ranges 4
#define abi_claim 5
#define constructors 6
#define loads 7
#define entry_function 8
#define task_kinds 9
#define settings_taken 10
#define system_calls 11
#define crash 12
#define limits 13
#define protocol 14
#define scan_status 15
#define threads 16
#define call_order 17
#define findings_listed 18
#define directories_last 19
#define directories_closed 20
#define reasons_there 21
#define reasons_readable 22
#define stable_findings 23
#define memory_kept 24
#define threads_kept 25
#define descriptors_kept 26
#define buffers_kept 27
#define log_volume 28
#define speed 29
#define cancellation 30
#define verify_quiet 31
#define empty_tree 32
#define unreadable_tree 33
#define unreadable_kept 34
#define vanishing_tree 35
#define odd_names 36
#define special_entries 37
#define odd_times 38
#define deep_tree 39
#define huge_tree 40
#define racing_tree 41
#define setting_bounds 42
#define permission_used 43
#define permission_denied 44
#define relro 45
#define bind_now 46

#if FAULT == plugin_doc
#define DOC ""
#else
#define DOC "doc = \"Proposes what is old\"\n"
#endif
#if FAULT == task_docs
#define TASK_DOC "t"
#else
#define TASK_DOC "Proposes old files"
#endif
#if FAULT == setting_docs
#define SETTING_DOC "limit"
#else
#define SETTING_DOC "Files go that are at least this old"
#endif
#if FAULT == setting_ranges
#define RANGE ""
#else
#define RANGE "range = [\"1h\", \"100y\"], "
#endif
#define TEXT(x) #x
#define ABI_TEXT(major, minor) TEXT(major) "." TEXT(minor)
#if FAULT == abi_claim
#define BELOW "9.0"
#elif FRESHET_ABI_MAJOR == 0
#define BELOW "1.0"
#else
#define BELOW "2.0"
#endif
#if FAULT == permission_denied
#define OPTIONAL ", optional = [\"read\"]"
#else
#define OPTIONAL ""
#endif
FRESHET_MANIFEST("id = \"org.freshet.test.checked\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n" DOC
                 "abi = { min = \"" ABI_TEXT(FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR) "\", below = \"" BELOW "\" }\npermissions = { required = [\"remove\"]" OPTIONAL " }\n"
                 "limits = { memory = \"64MiB\" }\n[task.old]\ndoc = \"" TASK_DOC "\"\n[task.old.settings]\n"
                 "older-than = { type = \"duration\", default = \"30d\", " RANGE "doc = \"" SETTING_DOC "\" }\n");

struct freshet_task {
  int64_t limit;
};
struct walk {
  const freshet_task *task;
  const freshet_host *host;
  uint64_t entries;
  freshet_status worst;
  const freshet_contents *contents;
};
struct level {
  freshet_dir *dir;
  freshet_entry entry;
};

#if FAULT == constructors
__attribute__((constructor)) static void begin(void) { abort(); }
#endif
#if FAULT == loads
extern void freshet_test_nowhere(void);
#endif
#if FAULT == threads
static void *other_thread(void *host) {
  ((const freshet_host *)host)->progress((const freshet_host *)host, 1, 2);
  return NULL;
}
#endif
#if FAULT == threads_kept
static void *sleep_on(void *argument) {
  const struct timespec long_time = {1000, 0};
  (void)argument;
  for (;;) nanosleep(&long_time, NULL);
  return NULL;
}
#endif

static freshet_status describe(uint32_t index, const char **kind) {
#if FAULT == task_kinds
  *kind = "new";
#else
  *kind = "old";
#endif
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static freshet_status configure(const freshet_host *host, const char *kind, const freshet_setting *settings,
                                uint64_t count, freshet_task **out) {
  (void)host, (void)kind, (void)count;
#if FAULT == settings_taken
  return FRESHET_INVALID;
#endif
  *out = (freshet_task *)malloc(sizeof **out);
  if (*out == NULL) return FRESHET_NO_MEMORY;
  (*out)->limit = settings[0].integer;
  return FRESHET_OK;
}

static freshet_status propose(const struct walk *walk, freshet_dir *dir, const freshet_entry *entry) {
  char reason[64] = "old";
  freshet_finding finding = {.size = sizeof finding, .kind = FRESHET_AGED, .directory = dir, .entry = entry};
#if FAULT == reasons_there
  reason[0] = '\0';
#elif FAULT == reasons_readable
  strcpy(reason, "\033[2Jold");
#elif FAULT == stable_findings
  snprintf(reason, sizeof reason, "old %p", (void *)walk->task);
#elif FAULT == permission_used
  return FRESHET_OK;
#elif FAULT == findings_listed
  freshet_entry other = *entry;
  other.name.data = "another";
  other.name.length = 7;
  finding.entry = &other;
#endif
  finding.reason.data = reason;
  finding.reason.length = strlen(reason);
  return walk->host->emit_finding(walk->host, &finding);
}

#define IS(text) (entry->name.length == sizeof(text) - 1 && memcmp(entry->name.data, text, sizeof(text) - 1) == 0)
#define BEGINS(text) (entry->name.length >= sizeof(text) - 1 && memcmp(entry->name.data, text, sizeof(text) - 1) == 0)

/* What some faults do with every entry. FRESHET_END: go on. */
static freshet_status look(struct walk *walk, freshet_dir *dir, const freshet_entry *entry, size_t depth) {
  (void)dir, (void)entry, (void)depth;
  ++walk->entries;
#if FAULT == speed
  struct timespec from, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  while ((now.tv_sec - from.tv_sec) * 1000000000LL + now.tv_nsec - from.tv_nsec < 300000);
#elif FAULT == directories_last
  if (BEGINS("empty-")) return propose(walk, dir, entry);
#elif FAULT == unreadable_kept
  if (IS("closed")) return propose(walk, dir, entry);
#elif FAULT == odd_names
  if (memchr(entry->name.data, '\n', entry->name.length) != NULL) abort();
#elif FAULT == odd_times
  if (entry->mtime < 0) return FRESHET_FAILED;
#elif FAULT == deep_tree
  if (depth > 1000) abort();
#elif FAULT == huge_tree
  if (walk->entries > 50000) abort();
#elif FAULT == permission_denied
  freshet_file *file = NULL;
  if (entry->type == FRESHET_FILE && walk->contents->open(walk->host, dir, entry->name, &file) == FRESHET_OK) walk->contents->close(walk->host, file);
#elif FAULT == racing_tree
  if (BEGINS("new") && entry->name.length < 6) abort();
#endif
  return FRESHET_END;
}

static int may_open(const freshet_entry *entry) {
#if FAULT == special_entries
  return entry->type == FRESHET_DIRECTORY;
#else
  return entry->type == FRESHET_DIRECTORY && (entry->flags & FRESHET_ENTRY_MOUNT_POINT) == 0;
#endif
}

/* A stack of directories, no recursion: trees may be deep. */
static freshet_status walk_root(struct walk *walk, uint32_t root) {
  const freshet_host *host = walk->host;
  struct level *levels = (struct level *)malloc(sizeof *levels);
  size_t count = 0, room = 1;
  freshet_status status = FRESHET_OK;
  if (levels == NULL) return FRESHET_NO_MEMORY;
  status = host->dir_open(host, root, NULL, (freshet_bytes){NULL, 0}, &levels[0].dir);
  if (status == FRESHET_OK) count = 1;
  else if (status == FRESHET_UNREADABLE) walk->worst = status;
  status = FRESHET_OK;
  while (count > 0 && status == FRESHET_OK) {
    struct level *level = &levels[count - 1];
    level->entry.size = sizeof level->entry;
    status = host->dir_next(host, level->dir, &level->entry);
#if FAULT != cancellation
    if (host->cancelled(host)) status = FRESHET_CANCELLED;
#endif
    if (status == FRESHET_END || status == FRESHET_UNREADABLE) {
      if (status == FRESHET_UNREADABLE) walk->worst = status;
#if FAULT == directories_closed
      if (count > 1)
#endif
      host->dir_close(host, level->dir);
      --count;
      status = FRESHET_OK;
      continue;
    }
    if (status != FRESHET_OK) break;
    status = look(walk, level->dir, &level->entry, count);
    if (status == FRESHET_OK) continue;
    if (status != FRESHET_END) break;
    status = FRESHET_OK;
    if (may_open(&level->entry)) {
      freshet_dir *inner = NULL;
      const freshet_status opened = host->dir_open(host, root, level->dir, level->entry.name, &inner);
      if (opened == FRESHET_UNREADABLE) {
        walk->worst = opened;
#if FAULT == vanishing_tree
        const freshet_entry *entry = &level->entry;
        if (BEGINS("gone-")) status = FRESHET_FAILED;
#endif
      }
      if (opened != FRESHET_OK) continue;
      if (count == room) {
        struct level *more = (struct level *)realloc(levels, 2 * room * sizeof *levels);
        if (more == NULL) abort();
        levels = more;
        room *= 2;
      }
      levels[count++].dir = inner;
    } else if (level->entry.type == FRESHET_FILE && level->entry.mtime <= host->now(host) - walk->task->limit) {
      status = propose(walk, level->dir, &level->entry);
#if FAULT == findings_listed
      status = FRESHET_OK;
#endif
    }
  }
  while (count > 0) host->dir_close(host, levels[--count].dir);
  free(levels);
  return status;
}

static freshet_status scan(freshet_task *task, const freshet_host *host) {
  struct walk walk = {task, host, 0, FRESHET_OK, NULL};
  freshet_root root = {.size = sizeof root};
#if FAULT == none
  (void)host->feature(host, FRESHET_CONTENTS_ID, FRESHET_CONTENTS_REVISION);  /* it does well without */
#elif FAULT == loads
  freshet_test_nowhere();
#elif FAULT == system_calls
  return socket(AF_INET, SOCK_STREAM, 0) < 0 ? FRESHET_FAILED : FRESHET_OK;
#elif FAULT == crash
  fputs("its last words\n", stderr);
  static int *volatile nowhere = (int *)8;
  *nowhere = 1;
#elif FAULT == limits
  for (;;) {
    void *memory = malloc(1 << 20);
    if (memory == NULL) return FRESHET_NO_MEMORY;
    memset(memory, 1, 1 << 20);
  }
#elif FAULT == protocol
  const char message[] = "\x13\x7f\x7f";
  if (write(3, message, sizeof message) < 0) return FRESHET_FAILED;
#elif FAULT == scan_status
  return FRESHET_FAILED;
#elif FAULT == threads
  pthread_t thread;
  if (pthread_create(&thread, NULL, other_thread, (void *)(uintptr_t)host) != 0) return FRESHET_FAILED;
  pthread_join(thread, NULL);
#elif FAULT == threads_kept
  pthread_t thread;
  if (pthread_create(&thread, NULL, sleep_on, NULL) != 0) return FRESHET_FAILED;
#elif FAULT == call_order
  freshet_dir *dir = NULL;
  host->dir_open(host, 99, NULL, (freshet_bytes){NULL, 0}, &dir);
#elif FAULT == memory_kept
  static void *volatile kept;
  kept = malloc(1 << 20);
  if (kept) memset(kept, 1, 1 << 20);
#elif FAULT == descriptors_kept
  const int kept = open("/r/0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  (void)kept;
#elif FAULT == buffers_kept
  static void *volatile kept;
  kept = host->buffer_get(host, 1000);
  (void)kept;
#elif FAULT == log_volume
  for (int i = 0; i < 300; i++) host->log(host, FRESHET_LOG_INFO, "again", 5);
#elif FAULT == setting_bounds
  if (task->limit == 3600000000000) abort();
#elif FAULT == permission_denied
  walk.contents = (const freshet_contents *)host->feature(host, FRESHET_CONTENTS_ID, FRESHET_CONTENTS_REVISION);
  if (walk.contents == NULL) abort();
#endif
  for (uint32_t i = 0; host->root(host, i, &root) == FRESHET_OK; i++) {
    const freshet_status status = walk_root(&walk, i);
    if (status != FRESHET_OK) return status;
  }
#if FAULT == empty_tree
  if (walk.entries == 0) return FRESHET_FAILED;
#elif FAULT == unreadable_tree
  walk.worst = FRESHET_OK;
#endif
  return walk.worst;
}

static freshet_status verify(freshet_task *task, const freshet_host *host) {
#if FAULT == verify_quiet
  return scan(task, host);
#else
  (void)task, (void)host;
  return FRESHET_OK;
#endif
}

static void destroy(freshet_task *task) { free(task); }

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  (void)host;
#if FAULT == entry_function
  return FRESHET_FAILED;
#endif
  *out = (freshet_plugin){.size = sizeof *out, .abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, .describe = describe,
                          .configure = configure, .scan = scan, .verify = verify, .destroy = destroy};
  return FRESHET_OK;
}
