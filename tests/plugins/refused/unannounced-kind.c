#include "tests/plugins/plain.h"

PLAIN_MANIFEST("unannounced-kind");

static freshet_status describe(uint32_t index, const char **kind) {
  static const char *const kKinds[] = {"plain", "surprise"};
  if (index >= 2) return FRESHET_END;
  *kind = kKinds[index];
  return FRESHET_OK;
}

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  plain_entry(host, out);
  out->describe = describe;
  return FRESHET_OK;
}
