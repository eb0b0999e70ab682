#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/wire/messages.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace freshet {

// One accepted finding in a plan. `name` and `reason` live as long as the reader's current record.
struct PlanEntry {
  std::uint32_t directory = 0;  // in the task's DirectoryTable
  std::string_view name;
  Identity identity;
  std::int64_t mtime_ns = 0;
  std::int64_t atime_ns = 0;
  std::uint64_t allocated = 0;
  std::uint32_t links = 1;
  wire::FindingKind kind = wire::FindingKind::aged;
  wire::CostClass cost = wire::CostClass::unique;
  std::uint64_t cost_bytes = 0;
  std::string_view reason;
  std::uint32_t whole = 0;  // not 0: goes only if all entries with this number go. Those stand side by side
};

// The entries of one task, in the order they were accepted, compressed as they come, so that memory stays flat.
class EntryWriter {
 public:
  static Result<std::unique_ptr<EntryWriter>> create(const std::string& file);
  ~EntryWriter();

  Status add(const PlanEntry& entry);
  Status finish();  // flushes; nothing may be added afterwards
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // on disk by now

 private:
  EntryWriter() = default;
  Status compress(bool end);

  Fd file_;
  ZSTD_CCtx_s* context_ = nullptr;
  std::vector<std::uint8_t> pending_;
  std::vector<std::uint8_t> out_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

// Reads what EntryWriter wrote, and refuses (kind `invalid`) anything it could not have written.
class EntryReader {
 public:
  // `directories`: size of the task's table; ids beyond it are refused.
  static Result<std::unique_ptr<EntryReader>> open(const std::string& file, std::uint64_t directories);
  ~EntryReader();

  // False at the end. The entry is valid until the next call.
  Result<bool> next(PlanEntry& entry);

 private:
  EntryReader() = default;
  Result<bool> fill(std::size_t wanted);

  Fd file_;
  ZSTD_DCtx_s* context_ = nullptr;
  std::vector<char> in_;
  std::size_t in_at_ = 0, in_end_ = 0;
  bool at_end_ = false;
  bool frame_open_ = false;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t directories_ = 0;
};

}  // namespace freshet
