#include "tests/plugins/plain.h"

PLAIN_ENTRY
