#pragma once

#include <cstdint>
#include <string>

// Trees that plugins are tried on: recorded ones, so that each is the same everywhere. sdk/TREE.md is the format.
namespace freshet::conformance {

// The moment at which they are scanned. Nanoseconds since the epoch.
std::int64_t time_of_trees();

std::string ordinary_tree();    // files, directories, links of many ages and names
std::string empty_tree();
std::string unreadable_tree();  // has /trial/closed and /trial/broken, which cannot be read wholly
std::string vanishing_tree();
std::string odd_names_tree();
std::string special_tree();     // mount points, fifos, sockets, devices
std::string odd_times_tree();
std::string deep_tree();
std::string wide_tree();        // 5,000 entries
std::string huge_tree();

}  // namespace freshet::conformance
