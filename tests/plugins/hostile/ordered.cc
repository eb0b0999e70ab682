// Two kinds of task, one of which its manifest lets run only where the other has succeeded. Proposes nothing.
#include <freshet/plugin.hpp>

#include <stdexcept>

FRESHET_MANIFEST(R"(
id = "org.freshet.test.ordered"
version = "1.0.0"
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.gather]
doc = "Goes first"
[task.gather.settings]
fail = { type = "boolean", default = false, doc = "Does not succeed" }
[task.sweep]
doc = "Goes when gather has succeeded"
requires = ["gather"]
[task.polish]
doc = "Goes last, whatever became of the others"
after = ["sweep", "gather"]
)");

namespace {

class Gather final : public freshet::Task {
 public:
  explicit Gather(const freshet::Settings& settings) : fail_(settings.boolean("fail")) {}
  void scan(freshet::Host&) override {
    if (fail_) throw std::runtime_error("asked to fail");
  }

 private:
  bool fail_;
};

class Nothing final : public freshet::Task {
 public:
  explicit Nothing(const freshet::Settings&) {}
  void scan(freshet::Host&) override {}
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<Gather>("gather"), freshet::kind<Nothing>("sweep"), freshet::kind<Nothing>("polish"))
