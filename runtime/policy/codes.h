#pragma once

#include <span>
#include <string_view>

#pragma GCC visibility push(default)
namespace freshet::policy {

// One page of `freshet explain CODE`. Codes are stable: a number is never used again for something else.
struct CodePage {
  std::string_view code;     // "F1001"
  std::string_view title;    // half a line
  std::string_view meaning;  // what was found, and why it matters
  std::string_view remedy;   // what to do
};

// F1xxx are boundaries of the configuration and the host, F2xxx are reasons why a file is no plugin we load.
// In the order of their numbers. Whoever introduces a code adds its page; a test looks for codes without one.
std::span<const CodePage> code_pages();

// nullptr for a code that does not exist; case does not matter.
const CodePage* find_code_page(std::string_view code);

// True for what is an error in the configuration's text rather than a boundary (a setting that does not fit, a plugin or
// task that does not exist): exit code 1, not 4.
bool is_configuration_fault(std::string_view code);

// The existing code that is nearest to a misspelt one, or an empty view.
std::string_view closest_code(std::string_view code);

}  // namespace freshet::policy
#pragma GCC visibility pop
