#include "tests/plugins/plain.h"

PLAIN_MANIFEST("no-entry");
