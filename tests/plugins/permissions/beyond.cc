// Proposes all of its grant, and asks for everything that the manager may do for it.
#include <freshet/plugin.hpp>

FRESHET_MANIFEST(R"(
id = "org.freshet.test.beyond"
version = "1.0.0"
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"], optional = ["lock", "hook"] }
[task.beyond]
doc = "Removes everything it is shown"
)");

namespace {

class Beyond final : public freshet::Task {
 public:
  explicit Beyond(const freshet::Settings&) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots())
      host.walk(root, [](freshet::Directory& directory, const freshet::Entry& entry) {
        directory.propose(entry, {"all goes"});
      });
  }
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<Beyond>("beyond"))
