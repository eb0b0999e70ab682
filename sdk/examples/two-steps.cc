// Two kinds of task in one plugin, the second of which runs only where the first has succeeded: downloads that were given up,
// and folders that hold nothing, in the top directory of each root.
#include <freshet/plugin.hpp>

#include <map>
#include <string>

FRESHET_MANIFEST(R"(
id = "org.freshet.example.two-steps"
version = "1.0.0"
license = "MIT"
doc = "Removes downloads that were given up, and folders that hold nothing"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.given-up]
doc = "Removes `NAME.part` where a file `NAME.given-up` lies beside it"
[task.folders]
doc = "Removes folders that hold nothing"
requires = ["given-up"]
)");

namespace {

class GivenUp final : public freshet::Task {
 public:
  explicit GivenUp(const freshet::Settings&) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) look_into(host, host.open(root));
  }

 private:
  // Entries come in no order, so that the marker may come after what it marks: the one who waits is kept until then. A copy of
  // an entry is fine as long as its name is kept too.
  static void look_into(freshet::Host& host, freshet::Directory folder) {
    struct Waiting {
      freshet::Entry entry;
      std::string name;
    };
    std::map<std::string, Waiting> parts;
    std::map<std::string, bool> given_up;
    for (const freshet::Entry& entry : folder) {
      host.stop_if_cancelled();
      const std::string name(entry.file_name());
      if (entry.type != FRESHET_FILE) continue;
      if (const auto stem = without(name, ".part"); !stem.empty()) parts[stem] = {entry, name};
      if (const auto stem = without(name, ".given-up"); !stem.empty()) given_up[stem] = true;
    }
    for (auto& [stem, part] : parts) {
      if (!given_up[stem]) continue;
      part.entry.name = freshet::bytes(part.name);
      folder.propose(part.entry, {"its .given-up lies beside it", FRESHET_LEFTOVER, FRESHET_REDOWNLOADABLE, part.entry.bytes});
    }
  }

  static std::string without(const std::string& name, const std::string& ending) {
    const bool ends = name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
    return ends ? name.substr(0, name.size() - ending.size()) : std::string();
  }
};

class Folders final : public freshet::Task {
 public:
  explicit Folders(const freshet::Settings&) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) {
      freshet::Directory top = host.open(root);
      for (const freshet::Entry& entry : top) {
        host.stop_if_cancelled();
        if (!entry.is_directory() || entry.is_mount_point()) continue;
        if (holds_nothing(top.open(entry))) top.propose(entry, {"an empty folder", FRESHET_LEFTOVER});
      }
    }
  }

 private:
  static bool holds_nothing(freshet::Directory folder) {
    freshet::Entry any;
    return folder && !folder.next(any) && folder.complete();
  }
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<GivenUp>("given-up"), freshet::kind<Folders>("folders"))
