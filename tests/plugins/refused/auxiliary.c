#include "tests/plugins/plain.h"

PLAIN_MANIFEST("auxiliary");
PLAIN_ENTRY
