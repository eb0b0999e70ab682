// The control: reads all of its grant and proposes everything in it, directories after their entries.
#include <freshet/plugin.hpp>

FRESHET_MANIFEST(R"(
id = "org.freshet.test.well-behaved"
version = "1.0.0"
license = "MIT"
abi = { min = "0.1", below = "0.2" }
permissions = { required = ["remove"] }
[task.well-behaved]
doc = "Proposes everything"
[task.well-behaved.settings]
reason = { type = "string", default = "everything goes", doc = "Reason of each finding" }
)");

namespace {

class WellBehaved final : public freshet::Task {
 public:
  explicit WellBehaved(const freshet::Settings& settings) : reason_(settings.string("reason")) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        const bool device = entry.type > FRESHET_SOCKET || entry.type == FRESHET_TYPE_UNKNOWN;
        if (!device && !entry.is_mount_point()) directory.propose(entry, {reason_, FRESHET_AGED});
      });
    }
  }

 private:
  std::string reason_;
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<WellBehaved>("well-behaved"))
