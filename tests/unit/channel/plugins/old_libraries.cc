// Needs the libraries that a plugin built before glibc 2.34 names.
#include "test_plugin.h"

namespace test_plugin {
freshet_status act(const freshet_host*, const std::string&) { return FRESHET_OK; }
}  // namespace test_plugin
