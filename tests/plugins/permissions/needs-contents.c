/* Requires `read`, and proposes nothing. */
#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("needs-contents") PLAIN_ABI "permissions = { required = [\"read\"] }\n" PLAIN_TASK);
PLAIN_ENTRY
