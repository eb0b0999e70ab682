// A guard that does as its setting says.
#include <freshet/draft/guard.hpp>
#include <freshet/plugin.hpp>

#include <stdexcept>
#include <string>

FRESHET_MANIFEST(R"(
id = "org.freshet.test.guard"
version = "1.0.0"
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { optional = ["remove"] }
[task.guard]
doc = "Keeps entries by their names, or fails"
guard = true
[task.guard.settings]
how = { type = "string", values = ["odd", "fail", "crash", "propose", "beyond", "tell"], doc = "odd: keeps names that end in an odd digit" }
[task.other]
doc = "No guard"
)");

namespace {

class Guard final : public freshet::Task {
 public:
  explicit Guard(const freshet::Settings& settings) : how_(settings.string("how")) {}

  void scan(freshet::Host& host) override {
    if (how_ == "fail") throw std::runtime_error("it has no opinion");
    if (how_ == "crash") __builtin_trap();
    if (how_ == "propose") return propose(host);
    freshet::Guard guard = freshet::Guard::of(host);
    for (const freshet::Planned& entry : guard) {
      if (how_ == "tell") {
        host.log(FRESHET_LOG_INFO, "asked by " + std::string(entry.task()) + " about " + std::string(entry.directory()) + "/" +
                                       std::string(entry.name()) + ": " + std::string(entry.reason()));
      } else if (how_ == "beyond") {
        const auto* const table = host.feature<freshet_guard>(FRESHET_GUARD_ID, FRESHET_GUARD_REVISION);
        if (table->keep(host.raw(), entry.index() + 1'000'000, {"x", 1}) != FRESHET_INVALID) throw std::runtime_error("it was taken");
      } else if (const char last = entry.name().back(); last >= '0' && last <= '9' && (last - '0') % 2 == 1) {
        entry.keep("its number is odd");
        entry.keep("said twice");
      }
    }
  }

 private:
  static void propose(freshet::Host& host) {
    for (const freshet::Root& root : host.roots())
      host.walk(root, [](freshet::Directory& directory, const freshet::Entry& entry) { directory.propose(entry, {"none of its business", FRESHET_AGED}); });
  }

  std::string how_;
};

class Other final : public freshet::Task {
 public:
  explicit Other(const freshet::Settings&) {}
  void scan(freshet::Host& host) override {
    if (host.feature<freshet_guard>(FRESHET_GUARD_ID, FRESHET_GUARD_REVISION) != nullptr) throw std::runtime_error("it has the feature");
  }
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<Guard>("guard"), freshet::kind<Other>("other"))
