#include "runtime/config/permission_reader.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/config/names.h"

namespace freshet::config {
namespace {

std::string shown(std::string_view text) { return "`" + ellipsize(escape_bytes(text), 200) + "`"; }

void read_lock(TableReader& reader, const TomlValue& value, std::vector<LockConfig>& out) {
  if (!value.is_table()) {
    reader.refuse("locks", value, "must hold tables, not " + std::string(type_name(value)),
                  "write { path = \"/var/lib/..\", kind = \"posix\" }");
    return;
  }
  TableReader table(reader.document(), value, "a lock of " + reader.what(), reader.reporter());
  LockConfig lock;
  lock.position = table.position();
  const TomlValue* path = table.find("path");
  table.read_string("path", lock.path);
  bool usable = path != nullptr && path->is_string();
  if (path == nullptr) reader.reporter().add(lock.position, table.what() + " has no `path`");
  if (usable) {
    if (PathProblem problem = check_absolute_path(lock.path); !problem.why.empty()) {
      table.refuse("path", *path, "is wrong: " + shown(lock.path) + " " + problem.why, std::move(problem.remedy));
      usable = false;
    }
  }
  table.read_choice("kind", {{"flock", LockKind::flock}, {"posix", LockKind::posix}}, lock.kind);
  table.read_bool("optional", lock.optional);
  table.finish();
  if (!usable) return;
  if (std::ranges::any_of(out, [&](const LockConfig& other) { return other.path == lock.path && other.kind == lock.kind; }))
    reader.reporter().add(lock.position, "the lock " + shown(lock.path) + " is listed twice in " + reader.what());
  else
    out.push_back(std::move(lock));
}

// Names of hooks, all different.
void read_hook_names(TableReader& reader, std::string_view key, std::vector<std::string>& out) {
  const TomlValue* value = reader.find(key);
  reader.read_strings(key, out);
  if (value == nullptr || !value->is_array()) return;
  if (value->as_array().size() > kMaxHooks)
    reader.refuse(key, *value, "has more than " + std::to_string(kMaxHooks) + " hooks");
  std::vector<std::string_view> seen;
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_string()) continue;
    const std::string& name = member.as_string().str;
    if (!is_name(name)) reader.refuse(key, member, "cannot hold " + shown(name), std::string(kNameRule));
    else if (std::ranges::find(seen, name) != seen.end()) reader.refuse(key, member, "names " + shown(name) + " twice");
    seen.push_back(name);
  }
}

}  // namespace

void read_locks(TableReader& reader, std::vector<LockConfig>& out) {
  const TomlValue* value = reader.find("locks");
  if (value == nullptr) return;
  if (!value->is_array()) {
    reader.refuse("locks", *value, "must be a list of tables, not " + std::string(type_name(*value)), "write locks = [{ .. }]");
    return;
  }
  if (value->as_array().size() > kMaxLocks)
    reader.refuse("locks", *value, "has more than " + std::to_string(kMaxLocks) + " locks");
  for (const TomlValue& member : value->as_array()) read_lock(reader, member, out);
}

void read_ipc(TableReader& reader, std::vector<IpcConfig>& out) {
  const TomlValue* value = reader.find("ipc");
  if (value == nullptr) return;
  if (!value->is_array()) {
    reader.refuse("ipc", *value, "must be a list of tables, not " + std::string(type_name(*value)), "write ipc = [{ owner = \"..\" }]");
    return;
  }
  if (value->as_array().size() > kMaxIpc) reader.refuse("ipc", *value, "has more than " + std::to_string(kMaxIpc) + " owners");
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_table()) {
      reader.refuse("ipc", member, "must hold tables, not " + std::string(type_name(member)), "write { owner = \"..\" }");
      continue;
    }
    TableReader table(reader.document(), member, "`ipc` of " + reader.what(), reader.reporter());
    IpcConfig grant;
    grant.position = table.position();
    if (table.find("owner") == nullptr) reader.reporter().add(grant.position, table.what() + " has no `owner`", "write a user's name or number in quotes");
    table.read_string("owner", grant.owner);
    std::vector<std::string> kinds;
    const TomlValue* written = table.find("kinds");
    table.read_strings("kinds", kinds);
    for (const std::string& kind : kinds) {
      const auto at = std::ranges::find(kIpcKinds, kind);
      if (at == kIpcKinds.end()) table.refuse("kinds", *written, "cannot hold " + shown(kind), "kinds are: shm, sem, msg, posix-shm, posix-sem, posix-msg");
      else grant.kinds |= static_cast<std::uint8_t>(1U << (at - kIpcKinds.begin()));
    }
    if (written == nullptr) grant.kinds = (1U << kIpcKinds.size()) - 1;
    table.finish();
    if (!grant.owner.empty()) out.push_back(std::move(grant));
  }
}

void read_hook_grants(TableReader& reader, std::vector<std::string>& out) { read_hook_names(reader, "hooks", out); }

void read_task_hooks(TableReader& reader, TaskHooks& out) {
  const TomlValue* value = reader.read_table("run-hooks");
  if (value == nullptr) return;
  TableReader table(reader.document(), *value, "`run-hooks` of " + reader.what(), reader.reporter());
  read_hook_names(table, "before", out.before);
  read_hook_names(table, "after", out.after);
  read_hook_names(table, "on-failure", out.on_failure);
  table.finish();
}

HookConfig read_hook(const Document& document, const std::string& name, const TomlValue& value, Reporter& reporter) {
  TableReader table(document, value, "hook `" + name + "`", reporter);
  HookConfig out;
  out.name = name;
  out.position = document.position_of_key(name, value);
  const TomlValue* run = table.find("run");
  if (run == nullptr) reporter.add(out.position, table.what() + " has no `run`", "write run = [\"/absolute/path\", \"argument\"]");
  const std::size_t errors = reporter.count();
  table.read_strings("run", out.run);
  if (run != nullptr && reporter.count() == errors)
    if (const std::string why = why_no_program(out.run); !why.empty())
      table.refuse("run", *run, why, "write the absolute path of a program, then its arguments; no shell reads them");
  table.read_duration("deadline", out.deadline_ns, false);
  if (out.deadline_ns > kMaxHookDeadlineNs) {
    table.refuse("deadline", *table.find("deadline"), "is longer than an hour");
    out.deadline_ns = kMaxHookDeadlineNs;
  }
  table.finish();
  return out;
}

std::string why_no_program(const std::vector<std::string>& run) {
  if (run.empty()) return "names no program";
  if (run.size() > kMaxHookArguments) return "has more than " + std::to_string(kMaxHookArguments) + " arguments";
  for (const std::string& text : run) {
    if (text.size() > kMaxHookArgument) return "has an argument of more than " + std::to_string(kMaxHookArgument) + " bytes";
    if (text.find('\0') != std::string::npos) return "has an argument with a zero byte in it";
  }
  if (const PathProblem problem = check_absolute_path(run.front()); !problem.why.empty())
    return "is wrong: " + shown(run.front()) + " " + problem.why;
  return {};
}

std::string_view to_string(LockKind kind) { return kind == LockKind::posix ? "posix" : "flock"; }

}  // namespace freshet::config
