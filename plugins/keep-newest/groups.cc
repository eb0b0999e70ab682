#include "plugins/keep-newest/groups.h"

#include <algorithm>

namespace keep_newest {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return text.substr(at, end - at);
}

std::string_view without_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

// Nanoseconds; none for a time of the future.
std::optional<std::uint64_t> age(std::int64_t time, std::int64_t now) {
  if (time > now) return std::nullopt;
  return static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(time);
}

}  // namespace

bool is_below(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < a.size() && k < b.size()) {
    if (is_digit(a[i]) && is_digit(b[k])) {
      const std::string_view left = digits_at(a, i);
      const std::string_view right = digits_at(b, k);
      const std::string_view left_value = without_zeros(left);
      const std::string_view right_value = without_zeros(right);
      if (left_value.size() != right_value.size()) return left_value.size() < right_value.size();
      if (left_value != right_value) return left_value < right_value;
      i += left.size();
      k += right.size();
    } else {
      if (a[i] != b[k]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[k]);
      ++i;
      ++k;
    }
  }
  if (a.size() - i != b.size() - k) return a.size() - i < b.size() - k;
  return a < b;  // `1` and `01`: some order, and always the same
}

Rules::Rules(const freshet::Settings& settings)
    : keep_(static_cast<std::uint64_t>(settings.integer("keep"))),
      min_age_(static_cast<std::uint64_t>(settings.duration("min-age"))),
      max_bytes_(settings.size("max-bytes")),
      by_name_(settings.string("order-by") == "name"),
      cost_(settings.string("cost-class") == "regenerable" ? FRESHET_REGENERABLE : FRESHET_UNIQUE),
      max_depth_(settings.integer("max-depth")) {
  for (const std::string& text : settings.strings("patterns")) patterns_.emplace_back(text);
  if (patterns_.empty()) throw freshet::Invalid("patterns is empty: name at least one, such as \"core.(*).*\"");
}

std::optional<Rules::Key> Rules::group_of(const freshet::Entry& entry) const {
  if (entry.type != FRESHET_FILE) return std::nullopt;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (const auto capture = patterns_[i].match(entry.file_name())) return Key{i, std::string(*capture)};
  }
  return std::nullopt;
}

std::vector<Choice> Rules::choose(std::vector<Member>& group, std::string_view capture, std::int64_t now) const {
  const auto newer = [this](const Member& a, const Member& b) {
    if (!by_name_ && a.time != b.time) return a.time > b.time;
    return is_below(b.name, a.name);
  };
  std::sort(group.begin(), group.end(), newer);

  // The first that is over a limit; the newest of all never is.
  std::size_t first = group.size();
  std::size_t over_bytes = group.size();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < group.size() && first == group.size(); ++i) {
    const bool full = max_bytes_ != 0 && group[i].bytes > max_bytes_ - std::min(bytes, max_bytes_);
    bytes += group[i].bytes;
    if (full && i > 0) over_bytes = i;
    if (i > 0 && (i >= keep_ || full)) first = i;
  }
  // From there on all go that come behind the last one that is too young: no hole is left in a row of releases or logs.
  for (std::size_t i = group.size(); i > first; --i) {
    const auto old = age(group[i - 1].time, now);
    if (old && *old >= min_age_) continue;
    first = i;
    break;
  }

  std::vector<Choice> out;
  for (std::size_t i = first; i < group.size(); ++i) {
    Choice choice;
    choice.member = i;
    parts::Reason& reason = choice.reason;
    reason.add("no. ");
    reason.add_count(i + 1);
    reason.add(" of ");
    reason.add_count(group.size());
    if (!capture.empty()) {
      reason.add(" in the group ");
      reason.add_name(capture);
    }
    reason.add(by_name_ ? " by name, " : ", ");
    if (i >= over_bytes && i < keep_) {
      reason.add_size(max_bytes_);
      reason.add(" stay, mtime ");
    } else {
      reason.add_count(keep_);
      reason.add(keep_ == 1 ? " stays, mtime " : " stay, mtime ");
    }
    reason.add_age(age(group[i].time, now).value_or(0));
    out.push_back(std::move(choice));
  }
  return out;
}

}  // namespace keep_newest
