/* Requires one lock by its path, and proposes nothing. */
#include "tests/plugins/plain.h"

FRESHET_MANIFEST(PLAIN_HEAD("needs-lock") PLAIN_ABI
                 "permissions = { required = [\"lock\"] }\n"
                 "locks = [{ path = \"/var/lib/freshet-test/lock\", kind = \"posix\" }]\n" PLAIN_TASK);
PLAIN_ENTRY
