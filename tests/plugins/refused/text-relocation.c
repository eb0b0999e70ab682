#include "tests/plugins/plain.h"

PLAIN_MANIFEST("text-relocation");
PLAIN_ENTRY

/* An absolute address in the code: the loader would have to write it there. */
__asm__(".text\n.balign 8\nfreshet_test_anchor:\n.quad freshet_test_anchor\n");
