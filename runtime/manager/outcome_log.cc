#include "runtime/manager/outcome_log.h"

#include "runtime/manager/plan_files.h"

namespace freshet {
namespace {

constexpr std::uint32_t kMagic = 0x54554F46;  // "FOUT"
constexpr std::size_t kMaxFile = 1ULL << 30;

}  // namespace

Status OutcomeLog::save(const std::string& file) const {
  std::vector<std::uint8_t> bytes;
  wire::Encoder out(bytes);
  out.number(kMagic);
  out.boolean(complete);
  out.number(static_cast<std::uint64_t>(not_removed.size()));
  for (const auto& [ordinal, code] : not_removed) {
    out.number(ordinal);
    out.enumeration(code, wire::kLastOutcome);
  }
  out.number(static_cast<std::uint64_t>(expanded.size()));
  for (const std::uint32_t id : expanded) out.number(id);
  out.number(static_cast<std::uint64_t>(slot_of.size()));
  for (const std::uint32_t slot : slot_of) out.number(slot);
  return write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<OutcomeLog> OutcomeLog::load(const std::string& file) {
  const Result<std::string> bytes = read_whole_file(file, kMaxFile);
  if (!bytes) return std::unexpected(bytes.error());
  wire::Decoder in(*bytes);
  OutcomeLog out;
  std::uint32_t magic = 0;
  std::uint64_t count = 0;
  in.number(magic);
  in.boolean(out.complete);
  in.number(count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    std::uint64_t ordinal = 0;
    wire::OutcomeCode code{};
    in.number(ordinal);
    in.enumeration(code, wire::kLastOutcome);
    if (in.ok()) out.not_removed.emplace(ordinal, code);
  }
  in.number(count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    std::uint32_t id = 0;
    in.number(id);
    if (in.ok()) out.expanded.push_back(id);
  }
  in.number(count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    std::uint32_t slot = 0;
    in.number(slot);
    if (in.ok()) out.slot_of.push_back(slot);
  }
  if (magic != kMagic || !in.done()) return fail(ErrorKind::invalid, file + " is damaged");
  return out;
}

std::string outcomes_file(const std::string& dir, std::uint32_t number) {
  return dir + "/" + std::to_string(number) + ".outcomes";
}

bool is_change_by_others(wire::OutcomeCode code) {
  switch (code) {
    case wire::OutcomeCode::gone:
    case wire::OutcomeCode::changed:
    case wire::OutcomeCode::parent_changed:
    case wire::OutcomeCode::digest_changed:
    case wire::OutcomeCode::not_empty:
    case wire::OutcomeCode::in_use:
    case wire::OutcomeCode::too_young:
    case wire::OutcomeCode::mount_point:
    case wire::OutcomeCode::moved_back: return true;
    default: return false;
  }
}

bool is_hard_refusal(wire::OutcomeCode code) { return code != wire::OutcomeCode::removed && !is_change_by_others(code); }

}  // namespace freshet
