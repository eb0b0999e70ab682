/* A whole plugin in C: proposes symbolic links older than a limit, in the top directory of each root. */
#include <freshet/plugin.h>
#include <stdlib.h>
#include <string.h>

FRESHET_MANIFEST(
    "id = \"org.freshet.example.old-links\"\n"
    "version = \"1.0.0\"\nlicense = \"MIT\"\n"
    "doc = \"Removes symbolic links that are old\"\n"
    "abi = { min = \"1.0\", below = \"2.0\" }\n"
    "permissions = { required = [\"remove\"] }\n"
    "[task.old-links]\n"
    "doc = \"Removes symbolic links older than a limit\"\n"
    "[task.old-links.settings]\n"
    "older-than = { type = \"duration\", range = [\"1s\", \"100y\"], doc = \"Age by mtime\" }\n");

struct freshet_task { int64_t limit; };

static freshet_status describe(uint32_t index, const char **kind) {
  *kind = "old-links";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static freshet_status configure(const freshet_host *host, const char *kind, const freshet_setting *settings,
                                uint64_t count, freshet_task **out) {
  (void)host;
  if (strcmp(kind, "old-links") != 0 || count != 1) return FRESHET_UNKNOWN;
  if (!(*out = malloc(sizeof **out))) return FRESHET_FAILED;
  (*out)->limit = settings[0].integer; /* the one setting of the manifest, checked by the host */
  return FRESHET_OK;
}

static freshet_status scan(freshet_task *task, const freshet_host *host) {
  freshet_root root = {.size = sizeof root};
  freshet_entry entry = {.size = sizeof entry};
  freshet_status worst = FRESHET_OK, status = FRESHET_OK;
  for (uint32_t i = 0; host->root(host, i, &root) == FRESHET_OK; i++) {
    freshet_dir *dir = NULL;
    if (host->dir_open(host, i, NULL, (freshet_bytes){0}, &dir) != FRESHET_OK) { worst = FRESHET_UNREADABLE; continue; }
    while (!host->cancelled(host) && (status = host->dir_next(host, dir, &entry)) == FRESHET_OK) {
      if (entry.type != FRESHET_SYMLINK || host->now(host) - entry.mtime < task->limit) continue;
      freshet_finding finding = {.size = sizeof finding, .kind = FRESHET_AGED, .directory = dir, .entry = &entry,
                                 .reason = {"an old link", 11}};
      host->emit_finding(host, &finding);
    }
    if (host->cancelled(host) || status == FRESHET_UNREADABLE) worst = host->cancelled(host) ? FRESHET_CANCELLED : status;
    host->dir_close(host, dir);
  }
  return worst;
}

static void destroy(freshet_task *task) { free(task); }

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  if (!freshet_abi_compatible(host->abi, (freshet_version){FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR})) return FRESHET_FAILED;
  *out = (freshet_plugin){sizeof *out, {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, describe, configure, scan,
                          NULL, destroy, NULL};
  return FRESHET_OK;
}
