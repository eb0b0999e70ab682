/* Requires `ipc`, and proposes what it is shown. */
#include <freshet/ipc.h>
#include <freshet/plugin.h>
#include <stdlib.h>
#include <string.h>

FRESHET_MANIFEST("id = \"org.freshet.test.ipc-objects\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n"
                 "abi = { min = \"1.0\", below = \"2.0\" }\n"
                 "permissions = { required = [\"ipc\"] }\nirreversible = true\n"
                 "[task.ipc-objects]\ndoc = \"Removes IPC objects\"\n"
                 "[task.ipc-objects.settings]\n"
                 "key = { type = \"integer\", default = 0, doc = \"Only those with this key; 0: all\" }\n");

struct freshet_task {
  int64_t key;
};

static freshet_status describe(uint32_t index, const char **kind) {
  *kind = "ipc-objects";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static freshet_status configure(const freshet_host *host, const char *kind, const freshet_setting *settings, uint64_t count,
                                freshet_task **out) {
  (void)host, (void)kind;
  freshet_task *task = (freshet_task *)calloc(1, sizeof *task);
  if (!task) return FRESHET_NO_MEMORY;
  for (uint64_t i = 0; i < count; i++)
    if (strcmp(settings[i].name, "key") == 0) task->key = settings[i].integer;
  *out = task;
  return FRESHET_OK;
}

static freshet_status scan(freshet_task *task, const freshet_host *host) {
  const freshet_ipc *ipc = (const freshet_ipc *)host->feature(host, FRESHET_IPC_ID, FRESHET_IPC_REVISION);
  if (!ipc) return FRESHET_FAILED;
  freshet_ipc_object object = {.size = sizeof object};
  for (uint64_t i = 0; ipc->object(host, i, &object) == FRESHET_OK; i++) {
    if (task->key != 0 && object.key != task->key) continue;
    const freshet_status status = ipc->propose(host, i, FRESHET_LEFTOVER, (freshet_bytes){"nobody wants it", 15});
    if (status != FRESHET_OK) return status;
  }
  return FRESHET_OK;
}

static void destroy(freshet_task *task) { free(task); }

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  (void)host;
  const freshet_plugin plugin = {sizeof plugin, {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, describe, configure, scan, NULL, destroy, NULL};
  *out = plugin;
  return FRESHET_OK;
}
