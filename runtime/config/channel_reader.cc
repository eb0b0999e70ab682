#include "runtime/config/channel_reader.h"

#include <charconv>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/config/names.h"
#include "runtime/config/overlap.h"
#include "runtime/config/permission_reader.h"
#include "runtime/config/ranges.h"
#include "runtime/base/suggest.h"

namespace freshet::config {
namespace {

void read_access(TableReader& root, Access& out) {
  const TomlValue* value = root.find("access");
  if (value == nullptr) return;
  if (!value->is_array()) {
    root.refuse("access", *value, "must be a list like [\"remove\"], not " + std::string(type_name(*value)));
    return;
  }
  constexpr std::string_view kWords[] = {"list", "read", "remove"};
  Access access;
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_string()) {
      root.refuse("access", member, "must hold strings only, not " + std::string(type_name(member)));
      continue;
    }
    const std::string& word = member.as_string().str;
    if (word == "read")
      access.read = true;
    else if (word == "remove")
      access.remove = true;
    else if (word != "list") {
      root.refuse("access", member, "cannot hold `" + ellipsize(escape_bytes(word), 100) + "`",
                  suggest(word, kWords, true));
    }
  }
  out = access;
}

void read_exclude(TableReader& root, const std::string& path, std::vector<std::string>& out) {
  const TomlValue* value = root.find("exclude");
  root.read_strings("exclude", out);
  if (value == nullptr || !value->is_array()) return;
  if (value->as_array().size() > kMaxExcludes)
    root.refuse("exclude", *value, "has more than " + std::to_string(kMaxExcludes) + " paths",
                "exclude a common parent, or make several roots");
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_string()) continue;
    const std::string& exclude = member.as_string().str;
    const std::string name = "is wrong: `" + ellipsize(escape_bytes(exclude), 200) + "` ";
    if (PathProblem problem = check_absolute_path(exclude); !problem.why.empty()) {
      root.refuse("exclude", member, name + problem.why, std::move(problem.remedy));
    } else if (!path.empty() && !is_below(exclude, path)) {
      root.refuse("exclude", member, name + "is not below its root `" + escape_bytes(path) + "`",
                  "excludes are absolute paths below the root they stand with");
    }
  }
}

// None when the root has no usable path.
std::optional<RootConfig> read_root(const Document& document, const TomlValue& value, const std::string& what,
                                    Reporter& reporter) {
  if (!value.is_table()) {
    std::string suggestion;
    if (value.is_string()) suggestion = "write { path = \"" + escape_bytes(value.as_string().str) + "\" }";
    reporter.add(document.position_of(value),
                 "a root of " + what + " must be a table, not " + std::string(type_name(value)),
                 std::move(suggestion));
    return std::nullopt;
  }
  TableReader root(document, value, "a root of " + what, reporter);
  RootConfig out;
  out.position = root.position();
  const TomlValue* path = root.find("path");
  root.read_string("path", out.path);
  bool usable = path != nullptr && path->is_string();
  if (path == nullptr) {
    reporter.add(out.position, "a root of " + what + " has no `path`");
  } else if (usable) {
    out.position = document.position_of(*path);
    if (PathProblem problem = check_absolute_path(out.path); !problem.why.empty()) {
      root.refuse("path", *path, "is wrong: `" + ellipsize(escape_bytes(out.path), 200) + "` " + problem.why,
                  std::move(problem.remedy));
      usable = false;
    }
  }
  read_access(root, out.access);
  read_exclude(root, usable ? out.path : std::string(), out.exclude);
  root.read_bool("optional", out.optional);
  root.read_bool("i-know-what-this-is", out.i_know_what_this_is);
  root.finish();
  if (!usable) return std::nullopt;
  return out;
}

void read_roots(TableReader& reader, std::vector<RootConfig>& out) {
  const TomlValue* value = reader.find("roots");
  if (value == nullptr) return;
  if (!value->is_array()) {
    std::string suggestion;
    if (value->is_table()) suggestion = "write roots = [{ .. }]";
    if (value->is_string())
      suggestion = "write roots = [{ path = \"" + escape_bytes(value->as_string().str) + "\" }]";
    reader.refuse("roots", *value, "must be a list of tables, not " + std::string(type_name(*value)),
                  std::move(suggestion));
    return;
  }
  if (value->as_array().empty()) reader.refuse("roots", *value, "is empty", "name at least one root");
  if (value->as_array().size() > kMaxRoots)
    reader.refuse("roots", *value, "has more than " + std::to_string(kMaxRoots) + " roots",
                  "name a common parent, or spread them over several channels or tasks");
  for (const TomlValue& member : value->as_array()) {
    if (auto root = read_root(reader.document(), member, reader.what(), reader.reporter())) {
      out.push_back(std::move(*root));
    }
  }
  check_roots_apart(out, reader.what(), reader.reporter());
}

void read_limits(TableReader& reader, LimitsConfig& out) {
  const TomlValue* value = reader.read_table("limits");
  if (value == nullptr) return;
  TableReader limits(reader.document(), *value, "`limits` of " + reader.what(), reader.reporter());
  if (const auto bytes = limits.read_size("memory", false)) out.memory_bytes = *bytes;
  limits.read_duration("cpu", out.cpu_ns, false);
  limits.read_duration("wall", out.wall_ns, false);
  if (const auto count = limits.read_count("threads", 1, kMaxThreads))
    out.threads = static_cast<std::uint32_t>(*count);
  if (const auto count = limits.read_count("fds", 1, kMaxFds)) out.fds = static_cast<std::uint32_t>(*count);
  limits.finish();
}

void read_budget(TableReader& reader, BudgetConfig& out) {
  const TomlValue* value = reader.read_table("budget");
  if (value == nullptr) return;
  TableReader budget(reader.document(), *value, "`budget` of " + reader.what(), reader.reporter());
  out.position = reader.position_of_key("budget", *value);
  if (const auto count = budget.read_count("entries", 0, kMaxEntries)) out.entries = *count;
  if (const auto bytes = budget.read_size("bytes")) out.bytes = *bytes;
  budget.read_number("share", 0, 1, out.share);
  budget.read_choice("over", {{"refuse", OverBudget::refuse}, {"trim", OverBudget::trim}}, out.over);
  budget.finish();
}

void read_quarantine(TableReader& reader, QuarantineConfig& out) {
  const TomlValue* value = reader.read_table("quarantine");
  if (value == nullptr) return;
  TableReader quarantine(reader.document(), *value, "`quarantine` of " + reader.what(), reader.reporter());
  out.position = reader.position_of_key("quarantine", *value);
  std::optional<QuarantineMode> mode;
  read_quarantine_mode(quarantine, mode);
  out.mode = mode.value_or(out.mode);
  quarantine.read_duration("keep", out.keep_ns);
  if (const auto bytes = quarantine.read_size("max")) out.max_bytes = *bytes;
  quarantine.read_choice("at", {{"in-root", QuarantineAt::in_root}, {"mount-top", QuarantineAt::mount_top}},
                         out.at);
  quarantine.finish();
}

// "HH:MM" in minutes; "24:00" is the end of the day.
std::optional<std::uint32_t> parse_minute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  std::uint32_t hour = 0;
  std::uint32_t minute = 0;
  const auto whole = [](std::string_view digits, std::uint32_t& out) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  };
  if (!whole(text.substr(0, 2), hour) || !whole(text.substr(3, 2), minute) || minute > 59)
    return std::nullopt;
  const std::uint32_t out = hour * 60 + minute;
  if (out > kDayMinutes) return std::nullopt;
  return out;
}

void read_hours(TableReader& floors, FloorsConfig& out) {
  const TomlValue* value = floors.find("hours");
  std::string text;
  floors.read_string("hours", text);
  if (value == nullptr || !value->is_string()) return;
  const std::size_t dash = text.find('-');
  const auto from = parse_minute(std::string_view(text).substr(0, dash));
  const auto to =
      dash == std::string::npos ? std::nullopt : parse_minute(std::string_view(text).substr(dash + 1));
  if (!from || !to || *from == *to || *from == kDayMinutes) {
    floors.refuse("hours", *value,
                  "must be two different times of the day, not `" + ellipsize(escape_bytes(text), 100) + "`",
                  "write \"22:00-06:00\" for removals in the night only");
    return;
  }
  out.hours = {*from, *to};
}

void read_pins(TableReader& floors, FloorsConfig& out) {
  const TomlValue* value = floors.find("pins");
  floors.read_strings("pins", out.pins);
  if (value == nullptr || !value->is_array()) return;
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_string() || member.as_string().str.starts_with('/')) continue;
    floors.refuse("pins", member,
                  "must be absolute, from `/` on: `" + ellipsize(escape_bytes(member.as_string().str), 200) +
                      "` is not",
                  "write the whole path; `*` and `**` may stand in it");
  }
}

void read_floors(TableReader& reader, FloorsConfig& out) {
  const TomlValue* value = reader.read_table("floors");
  if (value == nullptr) return;
  TableReader floors(reader.document(), *value, "`floors` of " + reader.what(), reader.reporter());
  floors.read_duration("min-age", out.min_age_ns);
  if (const auto count = floors.read_count("keep-newest", 0, kMaxEntries)) out.keep_newest = *count;
  read_pins(floors, out);
  read_hours(floors, out);
  floors.read_bool("spare-in-use", out.spare_in_use);
  floors.finish();
}

}  // namespace

void check_roots_apart(const std::vector<RootConfig>& roots, const std::string& what, Reporter& reporter) {
  std::vector<OwnedRoot> owned;
  for (const RootConfig& root : roots) owned.push_back({&root, 0});
  for_each_overlap(owned, [&](const OwnedRoot& outer, const OwnedRoot& inner) {
    const std::string path = "root `" + escape_bytes(inner.root->path) + "` ";
    if (outer.root->path == inner.root->path) {
      reporter.add(inner.root->position, path + "is listed twice in " + what);
    } else {
      reporter.add(inner.root->position,
                   path + "lies below root `" + escape_bytes(outer.root->path) + "` of the same " + what,
                   "leave it out, or exclude it from the outer root");
    }
  });
}

void read_isolation(TableReader& reader, std::optional<Isolation>& out) {
  if (reader.find("isolation") == nullptr) return;
  Isolation isolation = out.value_or(Isolation::strict);
  reader.read_choice("isolation", {{"strict", Isolation::strict}, {"best-effort", Isolation::best_effort}},
                     isolation);
  out = isolation;
}

void read_quarantine_mode(TableReader& quarantine, std::optional<QuarantineMode>& out) {
  if (quarantine.find("mode") == nullptr) return;
  QuarantineMode mode = out.value_or(QuarantineMode::keep);
  quarantine.read_choice("mode", {{"keep", QuarantineMode::keep}, {"none", QuarantineMode::none}}, mode);
  out = mode;
}

void read_channel_keys(TableReader& reader, ChannelConfig& channel) {
  read_roots(reader, channel.roots);
  read_limits(reader, channel.limits);
  read_budget(reader, channel.budget);
  read_quarantine(reader, channel.quarantine);
  read_floors(reader, channel.floors);
  read_isolation(reader, channel.isolation);
  reader.read_choice("irreversible", {{"refused", false}, {"allowed", true}}, channel.irreversible_allowed);
  read_locks(reader, channel.locks);
  read_ipc(reader, channel.ipc);
  read_hook_grants(reader, channel.hooks);
}

}  // namespace freshet::config
