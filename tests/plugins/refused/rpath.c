#include "tests/plugins/plain.h"

PLAIN_MANIFEST("rpath");
PLAIN_ENTRY
