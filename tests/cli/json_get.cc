// Reads JSON Lines on stdin, for the shell tests: json_get [--all|--count] [POINTER]
//   POINTER          the value at that JSON pointer in the last line; exit 1 if there is none
//   --all POINTER    the value in every line that has it
//   --count          how many lines there are
// Strings are printed raw, everything else as JSON. A line that is not JSON is exit 2, whatever was asked.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

bool print_at(const json& object, const json::json_pointer& pointer) {
  if (!object.contains(pointer)) return false;
  const json& value = object.at(pointer);
  std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::vector<json> lines;
  for (std::string line; std::getline(std::cin, line);) {
    json object = json::parse(line, nullptr, false);
    if (object.is_discarded()) {
      std::cerr << "json_get: not JSON: " << line << '\n';
      return 2;
    }
    lines.push_back(std::move(object));
  }
  if (words == std::vector<std::string>{"--count"}) {
    std::cout << lines.size() << '\n';
    return 0;
  }
  if (words.empty() || lines.empty()) return 1;
  const json::json_pointer pointer(words.back());
  if (words.front() != "--all") return print_at(lines.back(), pointer) ? 0 : 1;
  bool any = false;
  for (const json& line : lines) any = print_at(line, pointer) || any;
  return any ? 0 : 1;
}
