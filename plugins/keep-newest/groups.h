#pragma once

#include <cstdint>
#include <freshet/plugin.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/keep-newest/pattern.h"
#include "plugins/parts/reason.h"

namespace keep_newest {

// One member of a group, as it was listed. Its name lives here, so that it can be proposed once the listing has ended.
struct Member {
  freshet::Entry entry;
  std::string name;
  std::int64_t time = 0;    // mtime
  std::uint64_t bytes = 0;  // on disk
};

// What goes and why, within one directory.
struct Choice {
  std::size_t member = 0;  // place in the group
  parts::Reason reason;
};

// `9` is below `10`, and `v1.9` below `v1.10`: runs of digits compare by their value, all else by bytes.
bool is_below(std::string_view a, std::string_view b);

// Which members of a group go, by the operator's settings. Constant after construction.
class Rules {
 public:
  // Throws freshet::Invalid.
  explicit Rules(const freshet::Settings& settings);

  using Key = std::pair<std::size_t, std::string>;  // the pattern's place, and the capture
  // None when the entry is in no group.
  [[nodiscard]] std::optional<Key> group_of(const freshet::Entry& entry) const;
  [[nodiscard]] bool by_name() const { return by_name_; }
  [[nodiscard]] freshet_cost_class cost() const { return cost_; }
  // Directories at this depth (from 1) are looked into.
  [[nodiscard]] bool enters(std::int64_t depth) const { return depth < max_depth_; }

  // Sorts the group, newest first, and says which members go: never the first, and always all from one member on.
  [[nodiscard]] std::vector<Choice> choose(std::vector<Member>& group, std::string_view capture, std::int64_t now) const;

 private:
  std::vector<Pattern> patterns_;
  std::uint64_t keep_;
  std::uint64_t min_age_;
  std::uint64_t max_bytes_;  // 0: no limit
  bool by_name_;
  freshet_cost_class cost_;
  std::int64_t max_depth_;
};

}  // namespace keep_newest
