// Goes wrong while it is loaded or entered; which way is chosen when it is compiled (one plugin a way).
#define TEST_PLUGIN_OWN_ENTRY
#include "test_plugin.h"

#include <sys/socket.h>

#include <stdexcept>

namespace test_plugin {
freshet_status act(const freshet_host*, const std::string&) { return FRESHET_OK; }
}  // namespace test_plugin

namespace {

freshet_status fill(freshet_plugin* out) {
  *out = {};
  out->size = sizeof *out;
  out->abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  out->describe = test_plugin::describe;
  out->configure = test_plugin::configure;
  out->scan = test_plugin::scan;
  out->destroy = test_plugin::destroy;
  return FRESHET_OK;
}

[[maybe_unused]] freshet_status two_kinds(std::uint32_t index, const char** kind) {
  *kind = index == 0 ? "act" : "surprise";
  return index < 2 ? FRESHET_OK : FRESHET_END;
}

struct Constructor {
  Constructor() {
#if defined(CONSTRUCTOR_CRASH)
    __builtin_trap();
#elif defined(CONSTRUCTOR_HANG)
    for (;;) asm volatile("");
#elif defined(CONSTRUCTOR_CONNECT)
    ::socket(AF_INET, SOCK_STREAM, 0);
#endif
  }
} constructor;

}  // namespace

#if defined(UNRESOLVED)
extern "C" int nobody_defines_this();
#endif

extern "C" FRESHET_EXPORT freshet_status freshet_plugin_entry([[maybe_unused]] const freshet_host* host,
                                                              freshet_plugin* out) {
  fill(out);
#if defined(ENTRY_FAILS)
  test_plugin::say(host, "no key for this lock");
  return FRESHET_FAILED;
#elif defined(ENTRY_HALF)
  out->size = offsetof(freshet_plugin, scan);  // what lies beyond does not count
#elif defined(ENTRY_ABI)
  out->abi.minor += 1;
#elif defined(ENTRY_KIND)
  out->describe = two_kinds;
#elif defined(ENTRY_THROWS)
  throw std::runtime_error("x");
#elif defined(UNRESOLVED)
  return nobody_defines_this();
#endif
  return FRESHET_OK;
}
