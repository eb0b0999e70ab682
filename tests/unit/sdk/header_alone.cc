// Nothing before it, and twice: the header stands alone, in every language from C++17 on.
#include <freshet/plugin.hpp>
#include <freshet/plugin.hpp>

#include <freshet/contents.hpp>
#include <freshet/contents.hpp>
#include <freshet/draft/guard.hpp>
#include <freshet/draft/guard.hpp>
#include <freshet/ipc.hpp>
#include <freshet/ipc.hpp>
#include <freshet/links.hpp>
#include <freshet/links.hpp>
#include <freshet/together.hpp>
#include <freshet/together.hpp>

static_assert(FRESHET_ABI_MAJOR == 1 && FRESHET_ABI_MINOR == 1, "the version of the ABI");

FRESHET_MANIFEST("id = \"org.example.cxx\"\n");

namespace {
class Nothing final : public freshet::Task {
 public:
  explicit Nothing(const freshet::Settings&) {}
  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) host.walk(root, [](freshet::Directory&, const freshet::Entry&) {});
  }
};
}  // namespace

FRESHET_PLUGIN(freshet::kind<Nothing>("nothing"))
