#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("manifest-syntax") PLAIN_ABI "[task.plain\ndoc = \"Does nothing\"\n");
PLAIN_ENTRY
