#include "tests/plugins/plain.h"

PLAIN_MANIFEST("unknown-library");

int freshet_test_stranger(void);

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  return freshet_test_stranger() ? plain_entry(host, out) : FRESHET_FAILED;
}
