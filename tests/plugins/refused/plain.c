/* Nothing is wrong with it; craft.cc makes broken files of it. */
#include "tests/plugins/plain.h"

PLAIN_MANIFEST("plain");
PLAIN_ENTRY
