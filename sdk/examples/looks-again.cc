// A plugin that looks again when the broker has done its work: sockets that nobody has used for a while, and how many of them
// are still there.
#include <freshet/plugin.hpp>

#include <string>

FRESHET_MANIFEST(R"(
id = "org.freshet.example.looks-again"
version = "1.0.0"
license = "MIT"
doc = "Removes old sockets, and looks whether they have gone"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.sockets]
doc = "Removes old sockets, and looks whether they have gone"
[task.sockets.settings]
older-than = { type = "duration", default = "7d", range = ["1m", "100y"], doc = "Age by mtime" }
most = { type = "integer", default = 0, range = [0, 1000000], doc = "As many old sockets may be left for the task to have succeeded" }
)");

namespace {

class Sockets final : public freshet::Task {
 public:
  explicit Sockets(const freshet::Settings& settings) : limit_(settings.duration("older-than")), most_(settings.integer("most")) {}

  void scan(freshet::Host& host) override {
    each(host, [](freshet::Directory& directory, const freshet::Entry& entry) {
      directory.propose(entry, {"a socket that is old", FRESHET_AGED});
    });
  }

  // Reads and logs; proposes nothing.
  bool verify(freshet::Host& host) override {
    std::int64_t left = 0;
    each(host, [&](freshet::Directory&, const freshet::Entry&) { ++left; });
    if (left > most_) host.log(FRESHET_LOG_WARNING, std::to_string(left) + " old sockets are still there");
    return left <= most_;
  }

 private:
  template <class Visit>
  void each(freshet::Host& host, Visit&& visit) const {
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        if (entry.type == FRESHET_SOCKET && host.now() - entry.mtime >= limit_) visit(directory, entry);
      });
    }
  }

  std::int64_t limit_;
  std::int64_t most_;
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<Sockets>("sockets"))
