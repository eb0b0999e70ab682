// freshet-plugin-check FILE [--json] [--tree FILE] ..: `freshet plugins check` as a program of its own, which comes with the
// SDK. Holds its caller's rights and never more; the plugin runs in a locked process.
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
  std::vector<std::string> words{"plugins", "check"};
  if (argc > 1) words.insert(words.end(), argv + 1, argv + argc);
  Console console({.in = 0, .out = 1, .err = 2});
  const Interrupts interrupts([&console](int) { console.err("\ninterrupted\n"); });
  const Backend backend{.make_manager = freshet::make_manager, .examine_host = freshet::examine_host};
  return run_program(words, console, backend, interrupts.token());
}
