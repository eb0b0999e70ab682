#include <algorithm>
#include <charconv>
#include <exception>
#include <sstream>

#include "runtime/base/bytes.h"
#include "runtime/manifest/parse_setting.h"
#include "runtime/manifest/reader.h"
#include "runtime/manifest/toml_guard.h"
#include "runtime/manifest/toml_table.h"

// A plugin's own words, so hostile: whatever is not understood is refused, and every length has a cap that the wire's
// message has too.
namespace freshet::manifest {
namespace {

constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxKinds = 64;
constexpr std::size_t kMaxSettings = 256;

std::string read_optional_text(const std::optional<Place>& place, std::size_t cap) {
  return place ? read_text(*place, cap, true) : std::string();
}

bool is_version_tail(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+';
}

std::string read_id(const Place& place) {
  std::string id = read_text(place, kMaxId);
  bool good = id.find('.') != std::string::npos;
  for (std::size_t start = 0; start <= id.size() && good;) {
    const std::size_t end = std::min(id.find('.', start), id.size());
    good = is_plain_name(std::string_view(id).substr(start, end - start));
    start = end + 1;
  }
  if (!good) place.refuse("is no id", "write a reverse domain name of a-z, 0-9, '-': \"org.example.old-logs\"");
  return id;
}

// Reads decimal digits from the front of `text`; no sign, no leading zero but "0" itself.
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

std::string read_version(const Place& place) {
  std::string version = read_text(place, kMaxNameBytes);
  std::string_view rest = version;
  bool good = take_number(rest) && take(rest, '.') && take_number(rest) && take(rest, '.') && take_number(rest);
  if (good && !rest.empty()) {
    good = (rest[0] == '-' || rest[0] == '+') && rest.size() > 1 && std::ranges::all_of(rest, is_version_tail);
  }
  if (!good) place.refuse("is no version", "write three numbers: \"1.0.0\"");
  return version;
}

AbiVersion read_abi_version(const Place& place) {
  const std::string text = read_text(place, kMaxNameBytes);
  std::string_view rest = text;
  AbiVersion out;
  if (const auto major = take_number(rest); major && take(rest, '.')) {
    if (const auto minor = take_number(rest); minor && rest.empty()) return {*major, *minor};
  }
  place.refuse("is no ABI version", "write two numbers in a string: \"0.1\"");
  return out;
}

void read_abi(Place place, Manifest& out) {
  Table table(place);
  if (const auto min = table.required("min")) out.abi_min = read_abi_version(*min);
  if (const auto below = table.required("below")) out.abi_below = read_abi_version(*below);
  table.refuse_unknown_keys();
  if (out.abi_min >= out.abi_below) place.refuse("is an empty range: `min` has to be less than `below`");
}

std::vector<std::string> read_permission_names(const std::optional<Place>& place) {
  if (!place) return {};
  auto names = read_texts(*place, kMaxNameBytes);
  for (const std::string& name : names) {
    if (std::ranges::find(kPermissionNames, name) == std::end(kPermissionNames))
      place->refuse("names the unknown permission " + in_quotes(name), "permissions are: remove, read");
  }
  return names;
}

void read_permissions(const Place& place, Manifest& out) {
  Table table(place);
  out.required_permissions = read_permission_names(table.optional("required"));
  out.optional_permissions = read_permission_names(table.optional("optional"));
  table.refuse_unknown_keys();
  for (const std::string& name : out.optional_permissions) {
    if (std::ranges::find(out.required_permissions, name) != out.required_permissions.end())
      place.refuse("names " + in_quotes(name) + " as required and as optional");
  }
}

std::int64_t read_limit(const std::optional<Place>& place, SettingType type) {
  if (!place) return 0;
  const std::int64_t limit = read_unit(*place, type);
  if (limit == 0) place->refuse("has to be more than zero");
  return limit;
}

std::uint32_t read_count(const std::optional<Place>& place) {
  if (!place) return 0;
  if (!place->value->is_integer()) {
    place->refuse_type("an integer");
    return 0;
  }
  const std::int64_t count = place->value->as_integer();
  if (count < 1 || count > 1'000'000) place->refuse("has to be from 1 to 1000000");
  return count < 1 ? 0 : static_cast<std::uint32_t>(std::min<std::int64_t>(count, 1'000'000));
}

void read_limits(const Place& place, RequestedLimits& out) {
  Table table(place);
  out.memory_bytes = static_cast<std::uint64_t>(read_limit(table.optional("memory"), SettingType::size));
  out.cpu_ns = read_limit(table.optional("cpu"), SettingType::duration);
  out.wall_ns = read_limit(table.optional("wall"), SettingType::duration);
  out.threads = read_count(table.optional("threads"));
  out.fds = read_count(table.optional("fds"));
  table.refuse_unknown_keys();
}

std::vector<std::string> read_kind_names(const std::optional<Place>& place, const Value& kinds, std::string_view self) {
  if (!place) return {};
  auto names = read_texts(*place, kMaxNameBytes);
  for (const std::string& name : names) {
    if (name == self) place->refuse("names its own task kind");
    else if (kinds.as_table().count(name) == 0)
      place->refuse("names " + in_quotes(name) + ", which is no task kind of this manifest",
                    "an order among tasks of different plugins is the operator's to write");
  }
  return names;
}

TaskKind read_kind(std::string name, const Place& place, const Value& kinds) {
  TaskKind out{.name = std::move(name), .doc = {}, .after = {}, .requires_ = {}, .settings = {}};
  check_plain_name(place, out.name);
  Table table(place);
  if (const auto doc = table.required("doc")) out.doc = read_text(*doc, kMaxDocBytes, true);
  out.after = read_kind_names(table.optional("after"), kinds, out.name);
  out.requires_ = read_kind_names(table.optional("requires"), kinds, out.name);
  if (const auto settings = table.optional("settings")) {
    for (auto& [key, entry] : Table(*settings).entries()) {
      if (out.settings.size() == kMaxSettings) {
        settings->refuse("has more than " + std::to_string(kMaxSettings) + " settings");
        break;
      }
      out.settings.push_back(read_setting(key, entry));
    }
  }
  table.refuse_unknown_keys();
  return out;
}

// Kinds that wait for each other could never all run.
void refuse_cycles(const Place& place, const std::vector<TaskKind>& kinds) {
  std::vector<std::string> ready;
  const auto is_ready = [&](const std::string& name) { return std::ranges::find(ready, name) != ready.end(); };
  for (bool moved = true; moved;) {
    moved = false;
    for (const TaskKind& kind : kinds) {
      if (is_ready(kind.name) || !std::ranges::all_of(kind.after, is_ready) ||
          !std::ranges::all_of(kind.requires_, is_ready))
        continue;
      ready.push_back(kind.name);
      moved = true;
    }
  }
  for (const TaskKind& kind : kinds) {
    if (!is_ready(kind.name)) {
      place.refuse("has kinds that wait for each other: " + in_quotes(kind.name) + " is one of them");
      return;
    }
  }
}

void read_kinds(const Place& place, std::vector<TaskKind>& out) {
  Table table(place);
  for (auto& [name, entry] : table.entries()) {
    if (out.size() == kMaxKinds) {
      place.refuse("has more than " + std::to_string(kMaxKinds) + " task kinds");
      break;
    }
    out.push_back(read_kind(name, entry, *place.value));
  }
  if (out.empty()) place.refuse("is empty", "a plugin offers at least one task kind: [task.NAME]");
  refuse_cycles(place, out);
}

Manifest read_manifest(const Place& top) {
  Manifest out;
  Table table(top);
  if (const auto id = table.required("id")) out.id = read_id(*id);
  if (const auto version = table.required("version")) out.version = read_version(*version);
  if (const auto license = table.required("license")) out.license = read_text(*license, kMaxShortBytes);
  out.doc = read_optional_text(table.optional("doc"), kMaxDocBytes);
  if (const auto abi = table.required("abi")) read_abi(*abi, out);
  if (const auto permissions = table.optional("permissions")) read_permissions(*permissions, out);
  if (const auto limits = table.optional("limits")) read_limits(*limits, out.limits);
  if (const auto task = table.required("task")) read_kinds(*task, out.kinds);
  table.refuse_unknown_keys();
  return out;
}

// The first line of toml11's text, without its own function's name: "[error] toml::parse_x: what".
std::string syntax_text(std::string_view what) {
  what = what.substr(0, what.find('\n'));
  if (what.starts_with("[error] ")) what.remove_prefix(8);
  const auto colon = what.find(": ");
  if (what.starts_with("toml::") && colon != std::string_view::npos) what.remove_prefix(colon + 2);
  return "does not parse: " + escape_bytes(ellipsize(what, 200));
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes)
    return fail("F2020", ErrorKind::invalid,
                "the manifest has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(kMaxManifestBytes) + " are read");
  if (const auto objection = find_toml_objection(text))
    return std::unexpected(error_at("F2005", text, objection->line, objection->column, objection->what, {}));
  try {
    std::istringstream stream{std::string(text)};
    const Value value = toml::parse<toml::discard_comments, std::map, std::vector>(stream, "manifest");
    Refusal refusal(text);
    Manifest manifest = read_manifest(Place{&refusal, &value, ""});
    if (refusal.error()) return std::unexpected(*refusal.error());
    return manifest;
  } catch (const toml::exception& error) {
    return std::unexpected(error_at("F2005", text, error.location().line(), error.location().column(),
                                    syntax_text(error.what()), {}));
  } catch (const std::exception& error) {
    // toml11 lets std::stoll and the like throw, without a place.
    return fail("F2005", ErrorKind::invalid, "manifest does not parse: " + escape_bytes(ellipsize(error.what(), 200)));
  }
}

}  // namespace freshet::manifest
