/* Built with a later minor version than there is. */
#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("newer-minor") "abi = { min = \"1.999\", below = \"2.0\" }\n" PLAIN_TASK);
PLAIN_ENTRY
