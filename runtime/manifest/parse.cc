#include <algorithm>
#include <charconv>
#include <exception>

#include "runtime/base/bytes.h"
#include "runtime/config/document.h"
#include "runtime/config/names.h"
#include "runtime/config/table_reader.h"
#include "runtime/manifest/keys.h"
#include "runtime/manifest/parse_setting.h"
#include "runtime/manifest/parse_values.h"
#include "runtime/manifest/reader.h"

// A plugin's own words, so hostile: whatever is not understood is refused, and every length has a cap that the wire's
// message has too.
namespace freshet::manifest {
namespace {

using config::TableReader;
using config::TomlValue;

constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxKinds = 64;
constexpr std::size_t kMaxSettings = 256;
constexpr std::size_t kMaxLockPath = 1024;
constexpr const char* kFile = "manifest";

bool is_id(std::string_view id) {
  if (id.size() > kMaxId || id.find('.') == std::string_view::npos) return false;
  for (std::size_t start = 0; start <= id.size();) {
    const std::size_t end = std::min(id.find('.', start), id.size());
    if (!is_plain_name(id.substr(start, end - start))) return false;
    start = end + 1;
  }
  return true;
}

// Takes decimal digits from the front of `text`; no sign, no leading zero but "0" itself.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || (length > 1 && text[0] == '0')) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

bool is_version_tail(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+';
}

bool is_version(std::string_view text) {
  if (!take_number(text) || !take(text, '.') || !take_number(text) || !take(text, '.') || !take_number(text)) return false;
  if (text.empty()) return true;
  return (text[0] == '-' || text[0] == '+') && text.size() > 1 && std::ranges::all_of(text, is_version_tail);
}

void read_id(TableReader& table, Manifest& out) {
  if (!require(table, "id")) return;
  out.id = read_text(table, "id", kMaxId);
  if (!out.id.empty() && !is_id(out.id))
    table.refuse("id", *table.find("id"), "is no id",
                 "write a reverse domain name of a-z, 0-9 and `-`: \"org.example.old-logs\"");
}

void read_version(TableReader& table, Manifest& out) {
  if (!require(table, "version")) return;
  out.version = read_text(table, "version", kMaxNameBytes);
  if (!out.version.empty() && !is_version(out.version))
    table.refuse("version", *table.find("version"), "is no version", "write three numbers: \"1.0.0\"");
}

AbiVersion read_abi_version(TableReader& table, std::string_view key) {
  if (!require(table, key)) return {};
  const std::string text = read_text(table, key, kMaxNameBytes);
  std::string_view rest = text;
  const auto major = take_number(rest);
  if (major && take(rest, '.')) {
    if (const auto minor = take_number(rest); minor && rest.empty()) return {*major, *minor};
  }
  if (!text.empty())
    table.refuse(key, *table.find(key), "is no ABI version", "write two numbers in a string: \"1.0\"");
  return {};
}

void read_abi(TableReader& top, Manifest& out) {
  require(top, "abi");
  const TomlValue* value = top.read_table("abi");
  if (!value) return;
  TableReader table(top.document(), *value, "`abi`", top.reporter());
  out.abi_min = read_abi_version(table, "min");
  out.abi_below = read_abi_version(table, "below");
  finish(table, "abi");
  if (out.abi_min >= out.abi_below) top.refuse("abi", *value, "is an empty range: `min` must be less than `below`");
}

void read_permission_names(TableReader& table, std::string_view key, std::vector<std::string>& out) {
  out = read_texts(table, key, kMaxNameBytes);
  for (const std::string& name : out) {
    if (std::ranges::find(kPermissionNames, name) == std::end(kPermissionNames))
      table.refuse(key, *table.find(key), "has the unknown permission " + in_quotes(name), "permissions are: `remove`, `read`, `lock`, `hook`, `ipc`");
  }
}

void read_permissions(TableReader& top, Manifest& out) {
  const TomlValue* value = top.read_table("permissions");
  if (!value) return;
  TableReader table(top.document(), *value, "`permissions`", top.reporter());
  read_permission_names(table, "required", out.required_permissions);
  read_permission_names(table, "optional", out.optional_permissions);
  finish(table, "permissions");
  for (const std::string& name : out.optional_permissions) {
    if (std::ranges::find(out.required_permissions, name) != out.required_permissions.end())
      top.refuse("permissions", *value, "has " + in_quotes(name) + " both as required and as optional");
  }
}

void read_lock(TableReader& top, const TomlValue& value, Manifest& out) {
  if (!value.is_table()) {
    top.refuse("locks", value, "must hold tables", "write { path = \"/var/lib/..\", kind = \"posix\" }");
    return;
  }
  TableReader table(top.document(), value, "a lock", top.reporter());
  RequestedLock lock;
  require(table, "path");
  lock.path = read_text(table, "path", kMaxLockPath);
  if (!lock.path.empty())
    if (const config::PathProblem problem = config::check_absolute_path(lock.path); !problem.why.empty())
      table.refuse("path", *table.find("path"), "is wrong: it " + problem.why, problem.remedy);
  table.read_choice("kind", {{"flock", false}, {"posix", true}}, lock.posix);
  finish(table, "locks");
  out.locks.push_back(std::move(lock));
}

void read_locks(TableReader& top, Manifest& out) {
  const TomlValue* value = top.find("locks");
  if (value == nullptr) return;
  if (!value->is_array() || value->as_array().empty() || value->as_array().size() > kMaxRequestedLocks) {
    top.refuse("locks", *value, "must be a list of 1 to " + std::to_string(kMaxRequestedLocks) + " tables", "write locks = [{ .. }]");
    return;
  }
  for (const TomlValue& member : value->as_array()) read_lock(top, member, out);
  if (!asks_for(out, "lock"))
    top.refuse("locks", *value, "is there without the permission `lock`", "add it to `required` or `optional` of `permissions`");
}

// What cannot be taken back is said by whoever asks for it.
void read_irreversible(TableReader& top, Manifest& out) {
  const TomlValue* value = top.find("irreversible");
  top.read_bool("irreversible", out.irreversible);
  const TomlValue* permissions = top.find("permissions");
  if (asks_for(out, "ipc") && !out.irreversible && permissions != nullptr)
    top.refuse("permissions", *permissions, "has `ipc`, and what it removes cannot be taken back", "say so: irreversible = true");
  if (!asks_for(out, "ipc") && out.irreversible)
    top.refuse("irreversible", *value, "is true, but nothing that is asked for is irreversible", "take it out, or ask for `ipc`");
}

void read_limits(TableReader& top, RequestedLimits& out) {
  const TomlValue* value = top.read_table("limits");
  if (!value) return;
  TableReader table(top.document(), *value, "`limits`", top.reporter());
  out.memory_bytes = table.read_size("memory", false).value_or(0);
  table.read_duration("cpu", out.cpu_ns, false);
  table.read_duration("wall", out.wall_ns, false);
  out.threads = static_cast<std::uint32_t>(table.read_count("threads", 1, 1'000'000).value_or(0));
  out.fds = static_cast<std::uint32_t>(table.read_count("fds", 1, 1'000'000).value_or(0));
  finish(table, "limits");
}

void read_settings(TableReader& kind_table, TaskKind& out) {
  const TomlValue* value = kind_table.read_table("settings");
  if (!value) return;
  if (value->as_table().size() > kMaxSettings) {
    kind_table.refuse("settings", *value, "has more than " + std::to_string(kMaxSettings) + " settings");
    return;
  }
  for (const auto& [name, setting] : written_order(kind_table.document(), *value)) {
    check_plain_name(kind_table, name, *setting, "setting");
    const std::string what = "setting " + in_quotes(name) + " of " + kind_table.what();
    if (!setting->is_table()) {
      kind_table.reporter().add(kind_table.position_of_key(name, *setting), what + " must be a table",
                                "write " + in_quotes(name + " = { type = \"duration\", doc = \"..\" }"));
      continue;
    }
    TableReader table(kind_table.document(), *setting, what, kind_table.reporter());
    out.settings.push_back(read_setting(name, table));
  }
}

void read_edges(TableReader& table, std::string_view key, const TaskKind& kind, const TomlValue& kinds,
                std::vector<std::string>& out) {
  out = read_texts(table, key, kMaxNameBytes);
  for (const std::string& name : out) {
    if (name == kind.name) {
      table.refuse(key, *table.find(key), "names its own task kind");
    } else if (!kinds.as_table().contains(name)) {
      table.refuse(key, *table.find(key), "names " + in_quotes(name) + ", which is no task kind of this manifest",
                   "an order among tasks of different plugins is the operator's to write");
    }
  }
}

// Kinds that wait for each other could never all run.
const TaskKind* find_cycle(const std::vector<TaskKind>& kinds) {
  std::vector<std::string_view> ready;
  const auto is_ready = [&](const std::string& name) { return std::ranges::find(ready, name) != ready.end(); };
  const auto waits = [&](const TaskKind& kind) {
    return !std::ranges::all_of(kind.after, is_ready) || !std::ranges::all_of(kind.requires_, is_ready);
  };
  for (std::size_t before = kinds.size() + 1; before != ready.size();) {
    before = ready.size();
    for (const TaskKind& kind : kinds) {
      if (!is_ready(kind.name) && !waits(kind)) ready.push_back(kind.name);
    }
  }
  const auto left = std::ranges::find_if(kinds, [&](const TaskKind& kind) { return !is_ready(kind.name); });
  return left == kinds.end() ? nullptr : &*left;
}

void read_kinds(TableReader& top, Manifest& out) {
  require(top, "task");
  const TomlValue* kinds = top.read_table("task");
  if (!kinds) return;
  if (kinds->as_table().empty()) top.refuse("task", *kinds, "is empty", "a plugin offers at least one task kind: [task.NAME]");
  if (kinds->as_table().size() > kMaxKinds) {
    top.refuse("task", *kinds, "has more than " + std::to_string(kMaxKinds) + " task kinds");
    return;
  }
  for (const auto& [name, value] : written_order(top.document(), *kinds)) {
    check_plain_name(top, name, *value, "task kind");
    const std::string what = "task kind " + in_quotes(name);
    if (!value->is_table()) {
      top.reporter().add(top.position_of_key(name, *value), what + " must be a table", "write [task." + name + "]");
      continue;
    }
    TaskKind kind;
    kind.name = name;
    TableReader table(top.document(), *value, what, top.reporter());
    require(table, "doc");
    kind.doc = read_doc(table, "doc");
    read_edges(table, "after", kind, *kinds, kind.after);
    read_edges(table, "requires", kind, *kinds, kind.requires_);
    table.read_bool("guard", kind.guard);
    read_settings(table, kind);
    finish(table, "task.KIND");
    out.kinds.push_back(std::move(kind));
  }
  if (!top.reporter().empty()) return;
  if (const TaskKind* kind = find_cycle(out.kinds))
    top.refuse("task", *kinds, "has kinds that wait for each other; " + in_quotes(kind->name) + " is one of them");
}

Manifest read_manifest(TableReader& top) {
  Manifest out;
  read_id(top, out);
  read_version(top, out);
  require(top, "license");
  out.license = read_text(top, "license", kMaxShortBytes);
  out.doc = read_doc(top, "doc");
  read_abi(top, out);
  read_permissions(top, out);
  read_limits(top, out.limits);
  read_locks(top, out);
  read_irreversible(top, out);
  read_kinds(top, out);
  finish(top, "");
  return out;
}

// The first refusal in one line, its place in front; then the line with a caret, and all others.
Error refusal(const char* code, config::Reporter& reporter) {
  const auto all = reporter.take({kFile});
  const config::Diagnostic& first = all.front();
  Error out{ErrorKind::invalid, code, to_string(first.position) + ": " + first.what, first.excerpt};
  if (!first.suggestion.empty()) out.detail += "\n  = help: " + first.suggestion;
  for (std::size_t i = 1; i < all.size(); ++i) out.detail += "\n" + config::format(all[i]);
  return out;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes)
    return fail("F2020", ErrorKind::invalid,
                "the manifest has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(kMaxManifestBytes) + " are read");
  config::Reporter reporter;
  try {
    const auto document = config::Document::parse(config::SourceText(kFile, std::string(text)), reporter);
    if (!document) return std::unexpected(refusal("F2005", reporter));
    TableReader top(*document, document->root(), "the manifest", reporter);
    Manifest manifest = read_manifest(top);
    if (!reporter.empty()) return std::unexpected(refusal("F2006", reporter));
    return manifest;
  } catch (const std::exception& error) {
    return fail("F2005", ErrorKind::invalid, std::string("manifest: cannot be read: ") + escape_bytes(error.what()));
  }
}

}  // namespace freshet::manifest
