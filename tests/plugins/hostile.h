/* The frame of a hostile plugin: correct in every way, but for what its `deed` does inside `scan`.
 *
 *   HOSTILE_MANIFEST("read-outside", HOSTILE_TEXT("target", "/etc/passwd"))
 *   static freshet_status deed(const freshet_task *task, const freshet_host *host) { ... }
 *   HOSTILE_ENTRY
 *
 * Where a deed comes back from what should have ended it, it says so in the log ("came back: ..."). */
#ifndef FRESHET_TESTS_HOSTILE_H
#define FRESHET_TESTS_HOSTILE_H

#include <errno.h>
#include <freshet/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One setting each: a text, a number. */
#define HOSTILE_TEXT(name, value) name " = { type = \"string\", default = \"" value "\", doc = \"For the test\" }\n"
#define HOSTILE_NUMBER(name, value) name " = { type = \"integer\", default = " value ", doc = \"For the test\" }\n"
#define HOSTILE_MANIFEST(name, settings)                                                        \
  FRESHET_MANIFEST("id = \"org.freshet.test." name "\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n" \
                   "abi = { min = \"1.0\", below = \"2.0\" }\n"                                   \
                   "permissions = { required = [\"remove\"] }\n"                                  \
                   "[task." name "]\ndoc = \"Hostile, for the tests\"\n"                          \
                   "[task." name ".settings]\n" settings);                                        \
  static const char *const hostile_kind = name

struct freshet_task {
  char target[4096]; /* setting `target` */
  char how[64];      /* setting `how` */
  long most;         /* setting `most` */
};

static freshet_status deed(const freshet_task *task, const freshet_host *host);
static const char *const hostile_kind;

static inline void hostile_say(const freshet_host *host, const char *what, long number) {
  char line[256];
  const int length = snprintf(line, sizeof line, "came back: %s %ld", what, number);
  host->log(host, FRESHET_LOG_WARNING, line, (size_t)length);
}

/* What a system call gave: its result, or -errno. */
static inline void hostile_result(const freshet_host *host, const char *what, long result) {
  hostile_say(host, what, result < 0 ? -(long)errno : result);
}

static inline void hostile_copy(char *out, size_t room, freshet_bytes text) {
  const size_t length = text.length < room - 1 ? text.length : room - 1;
  memcpy(out, text.data, length);
  out[length] = '\0';
}

static inline freshet_status hostile_describe(uint32_t index, const char **kind) {
  *kind = hostile_kind;
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static inline freshet_status hostile_configure(const freshet_host *host, const char *kind,
                                               const freshet_setting *settings, uint64_t count, freshet_task **out) {
  (void)host, (void)kind;
  freshet_task *task = (freshet_task *)calloc(1, sizeof *task);
  if (!task) return FRESHET_FAILED;
  for (uint64_t i = 0; i < count; i++) {
    if (strcmp(settings[i].name, "target") == 0) hostile_copy(task->target, sizeof task->target, settings[i].string);
    if (strcmp(settings[i].name, "how") == 0) hostile_copy(task->how, sizeof task->how, settings[i].string);
    if (strcmp(settings[i].name, "most") == 0) task->most = (long)settings[i].integer;
  }
  *out = task;
  return FRESHET_OK;
}

static inline freshet_status hostile_scan(freshet_task *task, const freshet_host *host) { return deed(task, host); }
static inline void hostile_destroy(freshet_task *task) { free(task); }

#define HOSTILE_ENTRY                                                                                  \
  FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {  \
    (void)host;                                                                                        \
    const freshet_plugin plugin = {sizeof plugin, {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR},              \
                                   hostile_describe, hostile_configure, hostile_scan, NULL,            \
                                   hostile_destroy, NULL};                                             \
    *out = plugin;                                                                                     \
    return FRESHET_OK;                                                                                 \
  }

#endif /* FRESHET_TESTS_HOSTILE_H */
