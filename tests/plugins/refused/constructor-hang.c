#include "tests/plugins/plain.h"

PLAIN_MANIFEST("constructor-hang");
PLAIN_ENTRY

static volatile int forever = 1;
__attribute__((constructor)) static void hang(void) {
  while (forever) {
  }
}
