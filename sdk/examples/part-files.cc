// A whole plugin in C++: proposes what broken-off downloads left behind, at any depth.
#include <freshet/plugin.hpp>

FRESHET_MANIFEST(R"(
id = "org.freshet.example.part-files"
version = "1.0.0"
license = "MIT"
doc = "Removes what broken-off downloads left behind"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.part-files]
doc = "Removes files with the ending of an unfinished download"
[task.part-files.settings]
ending = { type = "string", default = ".part", doc = "End of the name" }
older-than = { type = "duration", default = "2d", range = ["1h", "100y"], doc = "Age by mtime" }
)");

class PartFiles final : public freshet::Task {
 public:
  explicit PartFiles(const freshet::Settings& settings)
      : ending_(settings.string("ending")), limit_(settings.duration("older-than")) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        const auto name = entry.file_name();
        const bool ends = name.size() > ending_.size() && name.substr(name.size() - ending_.size()) == ending_;
        if (entry.type == FRESHET_FILE && ends && host.now() - entry.mtime >= limit_)
          directory.propose(entry, {"an unfinished download", FRESHET_LEFTOVER, FRESHET_REDOWNLOADABLE, entry.bytes});
      });
    }
  }

 private:
  std::string ending_;
  std::int64_t limit_;
};

FRESHET_PLUGIN(freshet::kind<PartFiles>("part-files"))
