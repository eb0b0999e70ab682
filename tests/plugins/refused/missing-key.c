#include "tests/plugins/plain.h"

FRESHET_MANIFEST("id = \"org.freshet.test.missing-key\"\nlicense = \"MIT\"\n" PLAIN_ABI PLAIN_TASK);
PLAIN_ENTRY
