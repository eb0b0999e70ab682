#include "tests/plugins/plain.h"

PLAIN_MANIFEST("executable-stack");
PLAIN_ENTRY
