#include "runtime/policy/signature.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>

#include "runtime/base/bytes.h"
#include "runtime/config/document.h"
#include "runtime/config/table_reader.h"

namespace freshet::policy {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::size_t kMaxPrefixes = 100;
// The years that 64 bits of nanoseconds reach as a whole; an earlier date is as good as always over, a later one as never.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Exactly `out.size()` bytes of standard base64.
bool decode(std::string_view line, std::span<unsigned char> out) {
  std::size_t length = 0;
  const char* end = nullptr;
  return ::sodium_base642bin(out.data(), out.size(), line.data(), line.size(), nullptr, &length, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
         length == out.size() && end == line.data() + line.size();
}

std::unexpected<Error> bad_key(const std::string& file, std::size_t line, std::string what) {
  return fail("F1067", ErrorKind::invalid, escape_bytes(file) + ":" + std::to_string(line) + ": " + std::move(what),
              "a trusted key has the two lines of a minisign public key, then TOML: `valid-from`, `valid-until`, `plugins`");
}

std::unexpected<Error> bad_signature(std::string what) {
  return fail("F1064", ErrorKind::invalid, "the signature " + std::move(what), "sign the file again with `minisign -S`");
}

// A TOML date, at its first moment in UTC.
std::optional<std::int64_t> read_date(config::TableReader& table, std::string_view key) {
  const config::TomlValue* value = table.find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_local_date()) {
    table.refuse(key, *value, "is no date", "write a date without quotes: 2027-01-31");
    return std::nullopt;
  }
  const toml::local_date date = value->as_local_date();
  const std::chrono::year_month_day day{std::chrono::year(date.year), std::chrono::month(static_cast<unsigned>(date.month) + 1),
                                        std::chrono::day(date.day)};
  if (!day.ok()) {
    table.refuse(key, *value, "is no date of the calendar");
    return std::nullopt;
  }
  if (date.year < kFirstYear) return std::numeric_limits<std::int64_t>::min();
  if (date.year > kLastYear) return std::numeric_limits<std::int64_t>::max();
  return std::chrono::nanoseconds(std::chrono::sys_days(day).time_since_epoch()).count();
}

void read_limits(config::TableReader& table, TrustedKey& out) {
  out.valid_from_ns = read_date(table, "valid-from");
  out.valid_until_ns = read_date(table, "valid-until");
  table.read_strings("plugins", out.plugins);
  if (out.plugins.size() > kMaxPrefixes || std::ranges::find(out.plugins, "") != out.plugins.end())
    table.refuse("plugins", *table.find("plugins"), "has an empty prefix, or too many");
  table.finish();
}

}  // namespace

std::string to_string(const KeyId& id) {
  std::string out;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte) {  // little-endian
    out += "0123456789ABCDEF"[*byte >> 4];
    out += "0123456789ABCDEF"[*byte & 15];
  }
  return out;
}

Result<TrustedKey> parse_trusted_key(std::string_view text, const std::string& name, const std::string& file) {
  if (text.size() > kMaxKeyBytes) return bad_key(file, 1, "it is too long");
  TrustedKey out;
  out.name = name;
  std::string_view rest = text;
  if (!take_line(rest).starts_with(kUntrusted)) return bad_key(file, 1, "it does not begin with `untrusted comment: `");
  std::array<unsigned char, 42> bytes{};
  if (!decode(take_line(rest), bytes) || bytes[0] != 'E' || bytes[1] != 'd') return bad_key(file, 2, "this is no ed25519 public key");
  std::copy_n(bytes.begin() + 2, out.id.size(), out.id.begin());
  std::copy_n(bytes.begin() + 10, out.key.size(), out.key.begin());
  config::Reporter reporter;
  try {
    // The lines before stay, as comments, so that positions are the file's.
    const std::string limits = "#\n#\n" + std::string(rest);
    if (const auto document = config::Document::parse(config::SourceText(file, limits), reporter)) {
      config::TableReader table(*document, document->root(), "the key", reporter);
      read_limits(table, out);
    }
  } catch (const std::exception& error) {
    return bad_key(file, 3, escape_bytes(error.what()));
  }
  if (reporter.empty()) return out;
  std::string all;
  const std::vector<config::Diagnostic> found = reporter.take({file});
  for (const config::Diagnostic& diagnostic : found) all += config::format(diagnostic) + "\n";
  return fail("F1067", ErrorKind::invalid, config::to_string(found.front().position) + ": " + found.front().what, std::move(all));
}

bool may_sign_for(const TrustedKey& key, std::string_view plugin_id) {
  return key.plugins.empty() || std::ranges::any_of(key.plugins, [&](std::string_view prefix) {
           if (!plugin_id.starts_with(prefix)) return false;
           return prefix.ends_with('.') || plugin_id.size() == prefix.size() || plugin_id[prefix.size()] == '.';
         });
}

Result<Signature> parse_signature(std::string_view text) {
  if (text.size() > kMaxSignatureBytes) return bad_signature("is too long");
  Signature out;
  if (!take_line(text).starts_with(kUntrusted)) return bad_signature("does not begin with `untrusted comment: `");
  std::array<unsigned char, 74> bytes{};
  if (!decode(take_line(text), bytes) || bytes[0] != 'E' || (bytes[1] != 'd' && bytes[1] != 'D')) return bad_signature("has no ed25519 signature in its second line");
  out.hashed = bytes[1] == 'D';
  std::copy_n(bytes.begin() + 2, out.id.size(), out.id.begin());
  std::copy_n(bytes.begin() + 10, out.signature.size(), out.signature.begin());
  const std::string_view comment = take_line(text);
  if (!comment.starts_with(kTrusted)) return bad_signature("has no `trusted comment: ` in its third line");
  out.comment = comment.substr(kTrusted.size());
  if (!decode(take_line(text), out.comment_signature)) return bad_signature("has no signature of its comment in its fourth line");
  if (text.find_first_not_of("\r\n") != std::string_view::npos) return bad_signature("goes on after its fourth line");
  return out;
}

bool is_good(const Signature& signature, const TrustedKey& key, std::span<const unsigned char> file) {
  if (signature.id != key.id) return false;
  std::array<unsigned char, crypto_generichash_BYTES_MAX> hash{};
  static_assert(crypto_generichash_BYTES_MAX == 64);
  std::span<const unsigned char> signed_bytes = file;
  if (signature.hashed) {
    crypto_generichash(hash.data(), hash.size(), file.data(), file.size(), nullptr, 0);
    signed_bytes = hash;
  }
  if (crypto_sign_verify_detached(signature.signature.data(), signed_bytes.data(), signed_bytes.size(), key.key.data()) != 0) return false;
  std::vector<unsigned char> global(signature.signature.begin(), signature.signature.end());
  global.insert(global.end(), signature.comment.begin(), signature.comment.end());
  return crypto_sign_verify_detached(signature.comment_signature.data(), global.data(), global.size(), key.key.data()) == 0;
}

}  // namespace freshet::policy
