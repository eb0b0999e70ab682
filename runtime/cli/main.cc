// freshet: the operator's program. Started by a person, a timer or a script; holds that caller's rights and
// never more. It decides nothing about files itself: the manager it makes starts every other process and owns
// them. It distrusts its own input only (arguments, configuration, what plugins say) and ends when its one
// command is done.
#include <string>
#include <vector>

#include "runtime/cli/console.h"
#include "runtime/cli/interrupts.h"
#include "runtime/cli/program.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"

int main(int argc, char** argv) {
  using namespace freshet::cli;
  occupy_standard_descriptors();
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  Console console({.in = 0, .out = 1, .err = 2});
  const Interrupts interrupts([&console](int count) {
    console.err(count == 1
                    ? "\ninterrupted: finishing the entry in hand and recording what was done\n"
                    : "still finishing; nothing is lost, and `freshet rollback latest` takes it back\n");
  });
  const Backend backend{.make_manager = freshet::make_manager, .examine_host = freshet::examine_host};
  return run_program(words, console, backend, interrupts.token());
}
