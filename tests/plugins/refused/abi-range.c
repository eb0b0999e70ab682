#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("abi-range") "abi = { min = \"7.0\", below = \"8.0\" }\n" PLAIN_TASK);
PLAIN_ENTRY
