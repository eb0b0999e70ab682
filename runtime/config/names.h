#pragma once

#include <string>
#include <string_view>

namespace freshet::config {

// What may name a channel or a task: 1 to 64 of [A-Za-z0-9._-], not "." or ".." (a channel's name is also the
// name of a directory in the quarantine).
bool is_name(std::string_view text);
inline constexpr std::string_view kNameRule = "names are 1 to 64 letters, digits, `.`, `_` or `-`";

// What may be a plugin's id: 1 to 128 of [a-z0-9.-].
bool is_plugin_id(std::string_view text);

// Why a path cannot be a root, an exclude or a file in the configuration, and what to write instead; empty
// `why` when it can: absolute, at most 4095 bytes, no empty, "." or ".." part, no '/' at the end (but "/"
// itself is a path).
struct PathProblem {
  std::string why;
  std::string remedy;
};
PathProblem check_absolute_path(std::string_view path);

// True when `inner` is strictly below `outer`; both normal in the sense above.
bool is_below(std::string_view inner, std::string_view outer);

}  // namespace freshet::config
