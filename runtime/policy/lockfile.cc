#include "runtime/policy/lockfile.h"

#include <sodium.h>

#include <algorithm>
#include <exception>
#include <set>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/config/document.h"
#include "runtime/config/table_reader.h"
#include "runtime/manifest/settings.h"

namespace freshet::policy {
namespace {

using config::TableReader;
using config::TomlValue;

constexpr std::size_t kMaxMember = 4096;   // bytes of one text
constexpr std::size_t kMaxMembers = 1000;  // of one list
constexpr std::string_view kAdvice = "write the file with `freshet plugins approve`, or take it back from version control";

std::string text_of(const manifest::AbiVersion& version) { return std::to_string(version.major) + "." + std::to_string(version.minor); }

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  return texts;
}

std::string exact_size(std::uint64_t bytes) {
  std::string shown = format_size(bytes);
  std::erase(shown, ' ');
  const Result<std::uint64_t> again = parse_size(shown);
  return again && *again == bytes ? shown : std::to_string(bytes) + "B";
}

std::vector<std::string> limits_of(const manifest::RequestedLimits& limits) {
  std::vector<std::string> out;
  if (limits.cpu_ns > 0) out.push_back("cpu " + format_duration(limits.cpu_ns));
  if (limits.fds > 0) out.push_back("fds " + std::to_string(limits.fds));
  if (limits.memory_bytes > 0) out.push_back("memory " + exact_size(limits.memory_bytes));
  if (limits.threads > 0) out.push_back("threads " + std::to_string(limits.threads));
  if (limits.wall_ns > 0) out.push_back("wall " + format_duration(limits.wall_ns));
  return out;
}

// Fields of a hash input: each with its length, so that no two lists of fields have the same bytes.
class Fields {
 public:
  Fields() { crypto_hash_sha256_init(&hash_); }
  void add(std::string_view field) {
    const std::string length = std::to_string(field.size()) + ":";
    update(length);
    update(field);
  }
  template <class List>
  void add_list(const List& list) {
    add(std::to_string(list.size()));
    for (const auto& member : list) add(member);
  }
  std::string finish() {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&hash_, digest);
    char text[2 * sizeof digest + 1];
    ::sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    return text;
  }

 private:
  void update(std::string_view bytes) { crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()); }

  crypto_hash_sha256_state hash_;
};

std::string number_text(double number) {
  char text[40];
  const int length = std::snprintf(text, sizeof text, "%.17g", number);
  return {text, static_cast<std::size_t>(length)};
}

void add_value(Fields& fields, const manifest::TypedValue& value) {
  fields.add(std::to_string(value.index()));
  std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) fields.add(held);
        else if constexpr (std::is_same_v<T, std::vector<std::string>>) fields.add_list(held);
        else if constexpr (std::is_same_v<T, double>) fields.add(number_text(held));
        else fields.add(std::to_string(held));
      },
      value);
}

std::string hash_settings(const manifest::Manifest& manifest) {
  Fields fields;
  for (const manifest::TaskKind& kind : manifest.kinds) {
    fields.add(kind.name);
    fields.add_list(kind.after);
    fields.add_list(kind.requires_);
    for (const manifest::SettingSchema& setting : kind.settings) {
      fields.add(setting.name);
      fields.add(manifest::to_string(setting.type));
      fields.add_list(setting.values);
      fields.add(setting.range ? number_text(setting.range->first) + ".." + number_text(setting.range->second) : "");
      if (setting.default_value) add_value(fields, *setting.default_value);
    }
    fields.add("");  // no setting has an empty name
  }
  return fields.finish();
}

// A TOML basic string. The manifest's words have no control characters; a name of a key may have.
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string quote_all(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quote(text);
  return out + "]";
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string read_text(TableReader& table, std::string_view key, bool may_be_empty = false) {
  std::string out;
  const TomlValue* value = table.find(key);
  if (value == nullptr) {
    if (!may_be_empty) table.reporter().add(table.position(), "`" + std::string(key) + "` is missing in " + table.what(), std::string(kAdvice));
    return out;
  }
  table.read_string(key, out);
  if (out.size() > kMaxMember || (out.empty() && !may_be_empty && value->is_string())) {
    table.refuse(key, *value, out.empty() ? "is empty" : "is too long", std::string(kAdvice));
    out.clear();
  }
  return out;
}

std::vector<std::string> read_texts(TableReader& table, std::string_view key) {
  std::vector<std::string> out;
  table.read_strings(key, out);
  const bool too_long = std::ranges::any_of(out, [](const std::string& text) { return text.size() > kMaxMember; });
  if (out.size() > kMaxMembers || too_long) {
    table.refuse(key, *table.find(key), "is too long", std::string(kAdvice));
    out.clear();
  }
  return sorted(std::move(out));
}

Pin read_pin(TableReader& table, std::string id) {
  Pin out;
  out.id = std::move(id);
  out.version = read_text(table, "version");
  out.sha256 = read_text(table, "sha256");
  out.abi = read_text(table, "abi");
  out.required_permissions = read_texts(table, "required-permissions");
  out.optional_permissions = read_texts(table, "optional-permissions");
  out.limits = read_texts(table, "limits");
  out.settings = read_text(table, "settings");
  out.signer = read_text(table, "signer", true);
  for (const char* key : {"sha256", "settings"}) {
    const std::string& hash = std::string_view(key) == "sha256" ? out.sha256 : out.settings;
    if (!hash.empty() && !is_sha256(hash)) table.refuse(key, *table.find(key), "is no SHA-256", "it has 64 digits of 0-9 and a-f");
  }
  table.finish();
  return out;
}

Pins read_pins(TableReader& top) {
  Pins out;
  if (!top.read_count("format", 1, 1))
    if (top.find("format") == nullptr) top.reporter().add(top.position(), "`format` is missing", std::string(kAdvice));
  if (const TomlValue* plugins = top.read_table("plugin")) {
    if (plugins->as_table().size() > kMaxPins) {
      top.refuse("plugin", *plugins, "has more than " + std::to_string(kMaxPins) + " plugins");
      return {};
    }
    for (const auto& [id, value] : plugins->as_table()) {
      const std::string what = "[plugin." + quote(id) + "]";
      if (!value.is_table()) {
        top.reporter().add(top.position_of_key(id, value), what + " must be a table", std::string(kAdvice));
        continue;
      }
      TableReader table(top.document(), value, what, top.reporter());
      out.emplace(id, read_pin(table, id));
    }
  }
  top.finish();
  return out;
}

std::unexpected<Error> unreadable(const std::string& file, std::string what, std::string detail = {}) {
  return fail("F1063", ErrorKind::invalid, escape_bytes(file) + ": " + std::move(what), std::move(detail));
}

void compare(std::vector<std::string>& out, std::string_view more, std::string_view less, const std::vector<std::string>& approved,
             const std::vector<std::string>& found) {
  std::vector<std::string> only;
  std::ranges::set_difference(found, approved, std::back_inserter(only));
  for (const std::string& word : only) out.push_back(std::string(more) + ": " + escape_bytes(word));
  only.clear();
  std::ranges::set_difference(approved, found, std::back_inserter(only));
  for (const std::string& word : only) out.push_back(std::string(less) + ": " + escape_bytes(word));
}

// Named locks are part of what is asked for: each beside the permission that it belongs to.
std::vector<std::string> permissions_of(const manifest::Manifest& manifest, const std::vector<std::string>& names) {
  std::vector<std::string> out = names;
  if (std::ranges::find(names, "lock") != names.end())
    for (const manifest::RequestedLock& lock : manifest.locks) out.push_back("lock " + lock.path + (lock.posix ? " (posix)" : " (flock)"));
  return sorted(std::move(out));
}

}  // namespace

Pin make_pin(const manifest::Manifest& manifest, std::string sha256, std::string signer) {
  Pin out;
  out.id = manifest.id;
  out.version = manifest.version;
  out.sha256 = std::move(sha256);
  out.abi = ">= " + text_of(manifest.abi_min) + ", < " + text_of(manifest.abi_below);
  out.required_permissions = permissions_of(manifest, manifest.required_permissions);
  out.optional_permissions = permissions_of(manifest, manifest.optional_permissions);
  out.limits = limits_of(manifest.limits);
  out.settings = hash_settings(manifest);
  out.signer = std::move(signer);
  return out;
}

std::vector<std::string> differences(const Pin& approved, const Pin& found) {
  std::vector<std::string> out;
  const auto changed = [&](std::string_view what, const std::string& before, const std::string& now) {
    if (before != now) out.push_back(std::string(what) + " " + escape_bytes(before) + " became " + escape_bytes(now));
  };
  changed("version", approved.version, found.version);
  compare(out, "requires in addition", "no longer requires", approved.required_permissions, found.required_permissions);
  compare(out, "asks in addition", "no longer asks", approved.optional_permissions, found.optional_permissions);
  compare(out, "asks for the limit", "no longer asks for the limit", approved.limits, found.limits);
  changed("ABI", approved.abi, found.abi);
  if (approved.settings != found.settings) out.emplace_back("its task kinds or their settings are others");
  if (approved.signer != found.signer)
    out.push_back(approved.signer.empty() ? "it is signed now, by " + escape_bytes(found.signer)
                  : found.signer.empty()  ? "it is not signed any more; it was, by " + escape_bytes(approved.signer)
                                          : "signed by " + escape_bytes(found.signer) + " instead of " + escape_bytes(approved.signer));
  if (approved.sha256 != found.sha256) out.push_back("its bytes are others: sha256 " + approved.sha256 + " became " + found.sha256);
  return out;
}

std::string format_lockfile(const Pins& pins) {
  std::string out =
      "# What was approved of each plugin. Written by `freshet plugins approve`; keep it under version control.\n"
      "format = 1\n";
  for (const auto& [id, pin] : pins) {
    out += "\n[plugin." + quote(id) + "]\n";
    out += "version = " + quote(pin.version) + "\n";
    out += "sha256 = " + quote(pin.sha256) + "\n";
    out += "abi = " + quote(pin.abi) + "\n";
    out += "required-permissions = " + quote_all(pin.required_permissions) + "\n";
    out += "optional-permissions = " + quote_all(pin.optional_permissions) + "\n";
    out += "limits = " + quote_all(pin.limits) + "\n";
    out += "settings = " + quote(pin.settings) + "\n";
    if (!pin.signer.empty()) out += "signer = " + quote(pin.signer) + "\n";
  }
  return out;
}

Result<Pins> parse_lockfile(std::string_view text, const std::string& file) {
  if (text.size() > kMaxLockfileBytes) return unreadable(file, "it is over " + format_size(kMaxLockfileBytes), std::string(kAdvice));
  config::Reporter reporter;
  try {
    Pins out;
    if (const auto document = config::Document::parse(config::SourceText(file, std::string(text)), reporter)) {
      TableReader top(*document, document->root(), "the lock file", reporter);
      out = read_pins(top);
    }
    if (reporter.empty()) return out;
    std::string all;
    const std::vector<config::Diagnostic> found = reporter.take({file});
    for (const config::Diagnostic& diagnostic : found) all += config::format(diagnostic) + "\n";
    return fail("F1063", ErrorKind::invalid, config::to_string(found.front().position) + ": " + found.front().what, std::move(all));
  } catch (const std::exception& error) {
    return unreadable(file, std::string("it cannot be read: ") + escape_bytes(error.what()), std::string(kAdvice));
  }
}

}  // namespace freshet::policy
