#include "runtime/worker/watch.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/worker/directory.h"

namespace freshet::worker {
namespace {

constexpr std::size_t kShownLevels = 100;

std::string status_name(freshet_status status) {
  switch (status) {
    case FRESHET_OK: return "OK";
    case FRESHET_END: return "END";
    case FRESHET_INVALID: return "INVALID";
    case FRESHET_UNREADABLE: return "UNREADABLE";
    case FRESHET_CANCELLED: return "CANCELLED";
    default: return std::to_string(status);
  }
}

}  // namespace

void Watch::begin() {
  thread_ = ::pthread_self();
  notes_ = 0;
  open_.clear();
}

void Watch::end() {
  for (const auto& [directory, open] : open_) note(wire::NoteKind::left_open, path_of(directory, ""));
  decltype(open_)().swap(open_);  // its memory is nobody's leak
  decltype(used_)().swap(used_);
}

std::string Watch::path_of(const freshet_dir* directory, std::string_view name) const {
  std::vector<std::string_view> names{name};
  for (auto open = open_.find(directory); open != open_.end() && names.size() < kShownLevels; open = open_.find(open->second.parent))
    names.push_back(open->second.name);
  std::string out;
  for (auto one = names.rbegin(); one != names.rend(); ++one)
    if (!one->empty()) out += (out.empty() ? "" : "/") + std::string(one->substr(0, wire::kMaxName));
  return escape_bytes(out);
}

void Watch::note(wire::NoteKind kind, std::string_view text) {
  if (kind != wire::NoteKind::call && notes_.fetch_add(1, std::memory_order_relaxed) >= kMaxNotes) return;
  events_.add(wire::NoteEvent{kind, text.substr(0, wire::kMaxText)});
}

void Watch::answered(const char* function, const freshet_dir* directory, std::string_view name, freshet_status answer) {
  if (!trace_ && answer != FRESHET_INVALID) return;
  std::string text = std::string(function) + "(" + path_of(directory, name);
  text += ") = " + status_name(answer);
  call(text);
  if (answer == FRESHET_INVALID) note(wire::NoteKind::bad_argument, text);
}

void Watch::opened(std::uint32_t root, std::string_view root_path, const freshet_dir* parent, std::string_view name,
                   const freshet_dir* opened, freshet_status answer) {
  if (answer == FRESHET_OK)
    open_[opened] = {.name = std::string(parent == nullptr ? root_path : name), .parent = parent, .names = {}, .finished = {}};
  answered("dir_open", parent, parent == nullptr ? "root " + std::to_string(root) : std::string(name), answer);
}

void Watch::listed(const freshet_dir* directory, const freshet_entry* entry, freshet_status answer) {
  std::string name;
  if (entry != nullptr && entry->size >= sizeof *entry) {
    name.assign(entry->name.data, entry->name.length);
    std::vector<std::string>& names = open_[directory].names;
    names.resize(entry->ordinal + 1);
    names.back() = name;
  }
  answered("dir_next", directory, name, answer);
}

void Watch::closes(const freshet_dir* directory) {
  const auto open = open_.find(directory);
  if (open == open_.end()) {
    if (directory != nullptr) note(wire::NoteKind::bad_argument, "dir_close of a directory that is not open");
    return;
  }
  if (trace_) call("dir_close(" + path_of(directory, "") + ")");
  std::vector<const freshet_dir*> inner;
  for (const auto& [other, one] : open_)
    if (one.parent == directory) inner.push_back(other);
  for (const freshet_dir* one : inner) {
    note(wire::NoteKind::bad_argument, "dir_close(" + path_of(directory, "") + ") before one that is in it");
    closes(one);
  }
  if (const auto parent = open_.find(open->second.parent); parent != open_.end() && open->second.proposed == directory->listed)
    parent->second.finished.insert(open->second.name);
  open_.erase(open);
}

void Watch::proposed(const freshet_finding& finding, freshet_status answer) {
  const auto open = open_.find(finding.directory);
  const freshet_entry* const entry = finding.entry;
  if (open == open_.end() || entry == nullptr || entry->name.data == nullptr) {
    note(wire::NoteKind::bad_finding, "a finding of no entry, or in a directory that is not open");
    return;
  }
  Directory& directory = open->second;
  const std::string name(entry->name.data, std::min<std::size_t>(entry->name.length, wire::kMaxName + 1));
  if (trace_) call("emit_finding(" + path_of(finding.directory, name) + ") = " + status_name(answer));
  if (entry->ordinal >= directory.names.size() || directory.names[entry->ordinal] != name) {
    note(wire::NoteKind::bad_finding, path_of(finding.directory, name) + " was never listed there");
  } else if (answer == FRESHET_INVALID) {
    note(wire::NoteKind::bad_finding, path_of(finding.directory, name) + " has a kind, a cost class or a reason that there is none of");
  } else if (answer == FRESHET_OK) {
    ++directory.proposed;
    if (entry->type == FRESHET_DIRECTORY && !directory.finished.contains(name)) note(wire::NoteKind::early_directory, path_of(finding.directory, name));
  }
}

void Watch::asked(const char* feature, bool given) {
  const std::string id = escape_bytes(std::string_view(feature, ::strnlen(feature, wire::kMaxName)));
  call("feature(" + id + ")" + (given ? "" : " = NULL"));
  note(given ? wire::NoteKind::feature : wire::NoteKind::refused_feature, id);
}

void Watch::used(std::string_view feature, std::string_view text) {
  call(text);
  if (used_.emplace(feature).second) note(wire::NoteKind::used_feature, feature);
}

}  // namespace freshet::worker
