#include "tests/plugins/plain.h"

PLAIN_MANIFEST("entry-fails");

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  (void)out;
  host->log(host, FRESHET_LOG_ERROR, "entry-fails does not want to", 28);
  return FRESHET_FAILED;
}
