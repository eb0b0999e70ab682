#include "tests/plugins/plain.h"

PLAIN_MANIFEST("constructor-crash");
PLAIN_ENTRY

static int *volatile nowhere = (int *)8;
__attribute__((constructor)) static void crash(void) { *nowhere = 1; }
