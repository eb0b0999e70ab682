#include "runtime/base/units.h"

#include <array>
#include <cmath>
#include <ctime>
#include <limits>
#include <optional>

#include "runtime/base/bytes.h"

namespace freshet {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits{
    Unit{"ms", kMillisecond}, Unit{"s", kSecond}, Unit{"m", kMinute},   Unit{"min", kMinute},
    Unit{"h", kHour},         Unit{"d", kDay},    Unit{"w", 7 * kDay}, Unit{"y", 365 * kDay}};

// Lower case; sizes are compared without case, since nobody means a milli- or a bit-sized file.
constexpr std::array kSizeUnits{
    Unit{"b", 1},
    Unit{"k", 1ULL << 10},  Unit{"kib", 1ULL << 10}, Unit{"kb", 1'000ULL},
    Unit{"m", 1ULL << 20},  Unit{"mib", 1ULL << 20}, Unit{"mb", 1'000'000ULL},
    Unit{"g", 1ULL << 30},  Unit{"gib", 1ULL << 30}, Unit{"gb", 1'000'000'000ULL},
    Unit{"t", 1ULL << 40},  Unit{"tib", 1ULL << 40}, Unit{"tb", 1'000'000'000'000ULL},
    Unit{"p", 1ULL << 50},  Unit{"pib", 1ULL << 50}, Unit{"pb", 1'000'000'000'000'000ULL}};

constexpr std::string_view kDurationHelp = "units are ms, s, m, h, d, w and y, as in \"30d\" or \"1h30m\"";
constexpr std::string_view kSizeHelp = "units are B, KiB, MiB, GiB, TiB and PiB (or KB, MB, ..), as in \"2.5GiB\"";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string quoted(std::string_view text) { return "\"" + ellipsize(escape_bytes(text), 60) + "\""; }

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// One "number unit" at the front of a text.
struct Part {
  std::string_view whole;     // digits before the point
  std::string_view fraction;  // digits after it; empty without a point
  std::string_view unit;      // letters
  std::string_view text;      // all of it
};

// Takes a part off the front of `rest`; a sentence about what is wrong when there is none.
std::expected<Part, std::string> take_part(std::string_view& rest) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < rest.size() && is_digit(rest[at])) ++at;
    return rest.substr(from, at - from);
  };
  Part part;
  part.whole = digits();
  if (part.whole.empty()) return std::unexpected("a number is expected at " + quoted(rest));
  if (at < rest.size() && rest[at] == '.') {
    ++at;
    part.fraction = digits();
    if (part.fraction.empty()) return std::unexpected("digits are missing after the point of " + quoted(rest));
  }
  const std::size_t unit_from = at;
  while (at < rest.size() && is_letter(rest[at])) ++at;
  part.unit = rest.substr(unit_from, at - unit_from);
  part.text = rest.substr(0, at);
  if (part.unit.empty()) {
    if (at == rest.size()) return std::unexpected(quoted(rest) + " has no unit after its number");
    return std::unexpected(quoted(rest) + " has " + quoted(rest.substr(at)) + " where its unit should be");
  }
  rest.remove_prefix(at);
  return part;
}

// whole.fraction * factor, rounded down; none on overflow.
std::optional<std::uint64_t> scale(const Part& part, std::uint64_t factor) {
  std::uint64_t value = 0;
  for (const char c : part.whole) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  if (__builtin_mul_overflow(value, factor, &value)) return std::nullopt;
  // From the last digit to the first: floors of floors are the floor of the whole, so any number of digits is exact.
  std::uint64_t below = 0;
  for (std::size_t i = part.fraction.size(); i > 0; --i) {
    below = (static_cast<std::uint64_t>(part.fraction[i - 1] - '0') * factor + below) / 10;
  }
  if (__builtin_add_overflow(value, below, &value)) return std::nullopt;
  return value;
}

bool all_zero(const Part& part) {
  return part.whole.find_first_not_of('0') == std::string_view::npos &&
         part.fraction.find_first_not_of('0') == std::string_view::npos;
}

std::unexpected<Error> bad(std::string_view kind, std::string_view text, std::string why, std::string_view help) {
  return fail(ErrorKind::invalid, std::string(kind) + " " + quoted(text) + ": " + std::move(why), std::string(help));
}

}  // namespace

Result<std::int64_t> parse_duration(std::string_view text) {
  if (text.empty()) return bad("duration", text, "it is empty", kDurationHelp);
  if (text.front() == '-') return bad("duration", text, "it is negative", kDurationHelp);
  std::uint64_t total = 0;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (std::string_view rest = text; !rest.empty();) {
    const auto part = take_part(rest);
    if (!part) return bad("duration", text, part.error(), kDurationHelp);
    const Unit* unit = find_unit(kDurationUnits, part->unit);
    if (unit == nullptr) return bad("duration", text, "unknown unit " + quoted(part->unit), kDurationHelp);
    const auto value = scale(*part, unit->factor);
    if (!value || __builtin_add_overflow(total, *value, &total) || total > kMost) {
      return bad("duration", text, quoted(part->text) + " is too long, the most is \"292y\"", kDurationHelp);
    }
    if (*value == 0 && !all_zero(*part)) {
      return bad("duration", text, quoted(part->text) + " is shorter than a nanosecond", kDurationHelp);
    }
  }
  return static_cast<std::int64_t>(total);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return bad("size", text, "it is empty", kSizeHelp);
  if (text.front() == '-') return bad("size", text, "it is negative", kSizeHelp);
  std::string_view rest = text;
  const auto part = take_part(rest);
  if (!part) return bad("size", text, part.error(), kSizeHelp);
  const Unit* unit = find_unit(kSizeUnits, lower(part->unit));
  if (unit == nullptr) return bad("size", text, "unknown unit " + quoted(part->unit), kSizeHelp);
  if (!rest.empty()) return bad("size", text, quoted(rest) + " follows the unit", kSizeHelp);
  const auto value = scale(*part, unit->factor);
  if (!value) return bad("size", text, "it is too large, the most is below \"16384PiB\"", kSizeHelp);
  if (*value == 0 && !all_zero(*part)) return bad("size", text, "it is smaller than a byte", kSizeHelp);
  return *value;
}

std::string format_age(std::int64_t nanoseconds) {
  if (nanoseconds < kSecond) return "0 s";
  if (nanoseconds < kMinute) return std::to_string(nanoseconds / kSecond) + " s";
  if (nanoseconds < kHour) return std::to_string(nanoseconds / kMinute) + " min";
  if (nanoseconds < kDay) return std::to_string(nanoseconds / kHour) + " h";
  return std::to_string(nanoseconds / kDay) + " d";
}

std::string format_duration(std::int64_t nanoseconds) {
  std::string out;
  std::int64_t rest = nanoseconds < 0 ? 0 : nanoseconds;
  const auto take = [&](std::int64_t unit, const char* name) {
    if (rest >= unit) out += std::to_string(rest / unit) + name;
    rest %= unit;
  };
  if (rest % (365 * kDay) == 0) take(365 * kDay, "y");  // "100y", but 400 days are no year and something
  take(kDay, "d");
  take(kHour, "h");
  take(kMinute, "m");
  take(kSecond, "s");
  take(kMillisecond, "ms");
  return out.empty() ? "0s" : out;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kNames{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.5 would round to 1024 of this unit.
  while (value >= 1023.5 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  int decimals = 0;
  if (value < 9.995) decimals = 2;
  else if (value < 99.95) decimals = 1;
  long long scaled = std::llround(value * (decimals == 2 ? 100 : decimals == 1 ? 10 : 1));
  for (; decimals > 0 && scaled % 10 == 0; --decimals) scaled /= 10;
  std::string digits = std::to_string(scaled);
  if (decimals > 0) {
    const auto places = static_cast<std::size_t>(decimals);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, ".");
  }
  return digits + " " + kNames[unit];
}

std::string format_count(std::uint64_t count) {
  std::string out = std::to_string(count);
  for (std::size_t at = out.size(); at > 3;) {
    at -= 3;
    out.insert(at, ",");
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return format_count(count) + " " + std::string(count == 1 ? one : many);
}

std::string format_time(std::int64_t nanoseconds_since_epoch) {
  std::int64_t seconds = nanoseconds_since_epoch / kSecond;
  if (nanoseconds_since_epoch % kSecond < 0) --seconds;
  const std::time_t stamp = seconds;
  std::tm civil{};
  ::gmtime_r(&stamp, &civil);
  char buffer[32];
  const std::size_t length = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &civil);
  return std::string(buffer, length);
}

}  // namespace freshet
