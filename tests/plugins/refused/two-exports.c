#include "tests/plugins/plain.h"

PLAIN_MANIFEST("two-exports");
PLAIN_ENTRY

FRESHET_EXPORT int freshet_test_second_export(void);
int freshet_test_second_export(void) { return 2; }
