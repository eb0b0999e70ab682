// The control: reads all of its grant and proposes everything in it, directories after their entries. With NEXT_VERSION it
// spares what is named `spared*`, and asks for more.
#include <freshet/plugin.hpp>

#ifdef NEXT_VERSION
#define VERSION "1.1.0"
#define OPTIONAL ", optional = [\"read\"]"
#else
#define VERSION "1.0.0"
#define OPTIONAL
#endif

FRESHET_MANIFEST(R"(
id = "org.freshet.test.well-behaved"
version = ")" VERSION R"("
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"])" OPTIONAL R"( }
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
#ifdef NEXT_VERSION
        if (entry.file_name().substr(0, 6) == "spared") return;
#else
        if (entry.file_name().substr(0, 4) == "more") return;
#endif
        if (!device && !entry.is_mount_point()) directory.propose(entry, {reason_, FRESHET_AGED});
      });
    }
  }

 private:
  std::string reason_;
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<WellBehaved>("well-behaved"))
