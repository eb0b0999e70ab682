// Proposes the files whose contents begin with "drop": they can be told from others by what is in them alone.
#include <freshet/contents.hpp>

FRESHET_MANIFEST(R"(
id = "org.freshet.test.contents"
version = "1.0.0"
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"], optional = ["read"] }
[task.contents]
doc = "Proposes files by what is in them"
)");

namespace {

class ByContents final : public freshet::Task {
 public:
  explicit ByContents(const freshet::Settings&) {}

  void scan(freshet::Host& host) override {
    const auto contents = freshet::Contents::of(host);
    if (!contents) return host.log(FRESHET_LOG_WARNING, "may not read contents");
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        if (entry.is_directory()) return;
        freshet::File file = contents->open(directory, entry);
        char head[4] = {};
        if (!file) host.log(FRESHET_LOG_WARNING, "cannot open " + std::string(entry.file_name()));
        else if (file.read(0, head, sizeof head) == sizeof head && std::string_view(head, sizeof head) == "drop")
          directory.propose(entry, {"it says drop"});
      });
    }
  }
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<ByContents>("contents"))
