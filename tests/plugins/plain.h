/* A plugin that does nothing, for those that are wrong in one single place. Include it, then say what is wrong. */
#ifndef FRESHET_TESTS_PLAIN_H
#define FRESHET_TESTS_PLAIN_H

#include <freshet/plugin.h>
#include <stdlib.h>

#define PLAIN_ABI "abi = { min = \"1.0\", below = \"2.0\" }\n"
#define PLAIN_HEAD(name) "id = \"org.freshet.test." name "\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n"
#define PLAIN_TASK "[task.plain]\ndoc = \"Does nothing\"\n"
#define PLAIN_MANIFEST(name) FRESHET_MANIFEST(PLAIN_HEAD(name) PLAIN_ABI PLAIN_TASK)

struct freshet_task {
  int unused;
};

static inline freshet_status plain_describe(uint32_t index, const char **kind) {
  *kind = "plain";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static inline freshet_status plain_configure(const freshet_host *host, const char *kind,
                                             const freshet_setting *settings, uint64_t count, freshet_task **out) {
  (void)host, (void)kind, (void)settings, (void)count;
  *out = (freshet_task *)calloc(1, sizeof **out);
  return *out ? FRESHET_OK : FRESHET_FAILED;
}

static inline freshet_status plain_scan(freshet_task *task, const freshet_host *host) {
  (void)task, (void)host;
  return FRESHET_OK;
}

static inline void plain_destroy(freshet_task *task) { free(task); }

static inline freshet_status plain_entry(const freshet_host *host, freshet_plugin *out) {
  (void)host;
  const freshet_plugin plugin = {sizeof plugin, {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, plain_describe, plain_configure,
                                 plain_scan,    NULL, plain_destroy, NULL};
  *out = plugin;
  return FRESHET_OK;
}

#define PLAIN_ENTRY                                                                              \
  FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) { \
    return plain_entry(host, out);                                                               \
  }

#endif /* FRESHET_TESTS_PLAIN_H */
