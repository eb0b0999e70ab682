/* Nothing before it, and twice: the header stands alone. */
#include <freshet/plugin.h>
#include <freshet/plugin.h>

#include <freshet/contents.h>
#include <freshet/contents.h>
#include <freshet/draft/guard.h>
#include <freshet/draft/guard.h>
#include <freshet/ipc.h>
#include <freshet/ipc.h>
#include <freshet/links.h>
#include <freshet/links.h>
#include <freshet/together.h>
#include <freshet/together.h>

_Static_assert(FRESHET_ABI_MAJOR == 1 && FRESHET_ABI_MINOR == 1, "the version of the ABI");

FRESHET_MANIFEST("id = \"org.example.c\"\n");
