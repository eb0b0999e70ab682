// With a named permission: session files of a server go only while the operator's hook has it stopped. The plugin cannot run
// anything itself; it asks for `hook`, and the operator says in `run-hooks` what runs before and after.
#include <freshet/plugin.hpp>

#include <string>

FRESHET_MANIFEST(R"(
id = "org.freshet.example.session-files"
version = "1.0.0"
license = "MIT"
doc = "Removes session files of a server that the operator's hook has stopped"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove", "hook"] }
[task.session-files]
doc = "Removes session files that nobody has used for a while, while the server is stopped"
[task.session-files.settings]
idle = { type = "duration", default = "7d", range = ["1h", "100y"], doc = "Time since the last use: the later of atime and mtime" }
prefix = { type = "string", default = "sess_", doc = "Begin of the name of a session file" }
)");

namespace {

class SessionFiles final : public freshet::Task {
 public:
  explicit SessionFiles(const freshet::Settings& settings) : idle_(settings.duration("idle")), prefix_(settings.string("prefix")) {}

  void scan(freshet::Host& host) override {
    constexpr std::int64_t kHour = 3'600'000'000'000;
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        const std::int64_t used = entry.atime > entry.mtime ? entry.atime : entry.mtime;
        if (entry.type == FRESHET_FILE && entry.file_name().substr(0, prefix_.size()) == prefix_ && host.now() - used >= idle_)
          directory.propose(entry, {"idle for " + std::to_string((host.now() - used) / kHour) + " h"});
      });
    }
  }

 private:
  std::int64_t idle_;
  std::string prefix_;
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<SessionFiles>("session-files"))
