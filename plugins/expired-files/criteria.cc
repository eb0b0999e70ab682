#include "plugins/expired-files/criteria.h"

#include <algorithm>
#include <charconv>

namespace expired_files {
namespace {

enum Stamp : unsigned { kMtime = 1, kAtime = 2, kCtime = 4, kBtime = 8 };

struct NamedStamp {
  Stamp stamp;
  std::string_view name;
  std::int64_t freshet_entry::*field;
};
constexpr NamedStamp kStamps[] = {{kMtime, "mtime", &freshet_entry::mtime},
                                  {kAtime, "atime", &freshet_entry::atime},
                                  {kCtime, "ctime", &freshet_entry::ctime},
                                  {kBtime, "btime", &freshet_entry::btime}};

constexpr std::pair<std::string_view, freshet_entry_type> kTypes[] = {
    {"file", FRESHET_FILE}, {"symlink", FRESHET_SYMLINK}, {"fifo", FRESHET_FIFO}, {"socket", FRESHET_SOCKET}};

std::vector<Glob> globs(const std::vector<std::string>& patterns) { return {patterns.begin(), patterns.end()}; }

// A worker cannot look up names: no file outside the grant exists for it.
std::uint32_t user_id(const std::string& text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    throw freshet::Invalid("owner: `" + text + "` is no user id; write the number, as `id -u NAME` shows it");
  return id;
}

bool any_matches(const std::vector<Glob>& globs, const freshet::Entry& entry, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) {
    return glob.matches(entry.file_name(), path, entry.is_directory());
  });
}

// The stamps of `wanted` that say something about this entry. A file system without birth times gives 0 for all.
unsigned known_stamps(const freshet::Entry& entry, unsigned wanted) {
  return entry.btime == 0 ? wanted & ~static_cast<unsigned>(kBtime) : wanted;
}

// Looking into a directory changes its atime, and taking something out of it changes its ctime; neither is its age.
unsigned directory_stamps(unsigned wanted) {
  const unsigned stamps = wanted & (kMtime | kBtime);
  return stamps != 0 ? stamps : static_cast<unsigned>(kMtime);
}

}  // namespace

Criteria::Criteria(const freshet::Settings& settings)
    : limit_(static_cast<std::uint64_t>(settings.duration("older-than"))),
      keep_(globs(settings.strings("keep"))),
      only_(globs(settings.strings("only"))),
      directories_go_(settings.boolean("empty-directories")),
      min_size_(settings.size("min-size")),
      max_depth_(settings.integer("max-depth")) {
  limit_text_.add("limit ");
  limit_text_.add_limit(limit_);

  for (const std::string& name : settings.strings("age-by")) {
    for (const NamedStamp& stamp : kStamps) {
      if (stamp.name == name) stamps_ |= stamp.stamp;
    }
  }
  if (stamps_ == 0) throw freshet::Invalid("age-by names no time stamp: name at least one of mtime, atime, ctime, btime");
  for (const std::string& name : settings.strings("types")) {
    if (name == "directory") directories_go_ = true;
    for (const auto& [type_name, type] : kTypes) {
      if (type_name == name) types_[type] = true;
    }
  }
  for (const std::string& owner : settings.strings("owner")) owners_.push_back(user_id(owner));
  const auto needs_path = [](const Glob& glob) { return glob.needs_path(); };
  needs_paths_ = std::any_of(keep_.begin(), keep_.end(), needs_path) || std::any_of(only_.begin(), only_.end(), needs_path);
}

bool Criteria::keeps(const freshet::Entry& entry, std::string_view path) const {
  return any_matches(keep_, entry, path);
}

bool Criteria::chosen(const freshet::Entry& entry, std::string_view path) const {
  if (!owners_.empty() && std::find(owners_.begin(), owners_.end(), entry.uid) == owners_.end()) return false;
  return only_.empty() || any_matches(only_, entry, path);
}

bool Criteria::is_old(const freshet::Entry& entry, unsigned stamps, std::int64_t now) const {
  const unsigned known = known_stamps(entry, stamps);
  if (known == 0) return false;  // nothing is known of its age: it stays
  return std::all_of(std::begin(kStamps), std::end(kStamps), [&](const NamedStamp& stamp) {
    if ((known & stamp.stamp) == 0) return true;
    const std::int64_t time = entry.*stamp.field;
    // A time in the future is a wrong clock or a wish to be kept; never an age.
    return time <= now && static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(time) >= limit_;
  });
}

void Criteria::add_ages(const freshet::Entry& entry, unsigned stamps, std::int64_t now, Reason& reason) const {
  const unsigned known = known_stamps(entry, stamps);
  for (const NamedStamp& stamp : kStamps) {
    if ((known & stamp.stamp) == 0) continue;
    reason.add(stamp.name);
    reason.add(" ");
    reason.add_age(static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(entry.*stamp.field));
    reason.add(", ");
  }
  reason.add(limit_text_.text());
}

bool Criteria::goes(const freshet::Entry& entry, std::string_view path, std::int64_t now, Reason& reason) const {
  // Device nodes and unknown types are in no list.
  if (entry.type >= types_.size() || !types_[entry.type] || entry.is_mount_point()) return false;
  // Only a regular file has a size that says anything.
  if (min_size_ > 0 && (entry.type != FRESHET_FILE || entry.bytes < min_size_)) return false;
  if (!is_old(entry, stamps_, now) || !chosen(entry, path)) return false;
  reason.clear();
  add_ages(entry, stamps_, now, reason);
  return true;
}

bool Criteria::directory_goes(const freshet::Entry& entry, std::string_view path, std::uint64_t entries, std::int64_t now,
                              Reason& reason) const {
  const unsigned stamps = directory_stamps(stamps_);
  if (!directories_go_ || !is_old(entry, stamps, now) || !chosen(entry, path)) return false;
  reason.clear();
  if (entries == 0) {
    reason.add("empty directory, ");
  } else {
    reason.add("all ");
    reason.add_count(entries);
    reason.add(entries == 1 ? " entry goes, " : " entries go, ");
  }
  add_ages(entry, stamps, now, reason);
  return true;
}

bool Criteria::spared_by_change(const freshet::Entry& entry, std::int64_t now) const {
  const unsigned used = stamps_ & (kMtime | kAtime);
  return entry.type == FRESHET_FILE && used != 0 && used != stamps_ && is_old(entry, used, now) &&
         !is_old(entry, stamps_, now);
}

}  // namespace expired_files
