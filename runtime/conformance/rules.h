#pragma once

#include <span>
#include <string_view>

// Every verdict by its name. A rule's page is its texts: what is asked, why, and how to mend a plugin that does not hold it.
namespace freshet::conformance {

struct Rule {
  std::string_view name;
  std::string_view code;  // of the refusal that says the same of a file: "F2001"; or empty
  std::string_view what;
  std::string_view why;
  std::string_view mend;
};

// In the order in which they are tried.
std::span<const Rule> all_rules();
const Rule* find_rule(std::string_view name);
const Rule* find_rule_of_code(std::string_view code);

}  // namespace freshet::conformance
