#include "runtime/manager/entry_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/manager/plan_files.h"

namespace freshet {
namespace {

constexpr int kLevel = 1;
constexpr std::size_t kFlushAt = 128 * 1024;
constexpr std::size_t kMaxRecord = 2048;  // names and reasons are capped far below
constexpr std::size_t kInput = 64 * 1024;
constexpr std::size_t kWindow = 256 * 1024;

template <class A, class E>
void visit_entry(A& a, E& e) {
  a.number(e.directory);
  a.string(e.name, wire::kMaxName);
  visit(a, e.identity);
  a.number(e.mtime_ns);
  a.number(e.atime_ns);
  a.number(e.allocated);
  a.number(e.links);
  a.enumeration(e.kind, wire::FindingKind::leftover);
  a.enumeration(e.cost, wire::CostClass::redownloadable);
  a.number(e.cost_bytes);
  a.string(e.reason, wire::kMaxReason);
  a.number(e.whole);
}

}  // namespace

Result<std::unique_ptr<EntryWriter>> EntryWriter::create(const std::string& file) {
  std::unique_ptr<EntryWriter> out(new EntryWriter);
  out->file_ = Fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out->file_) return fail_errno("making " + file);
  out->context_ = ZSTD_createCCtx();
  if (out->context_ == nullptr) return fail(ErrorKind::system, "no memory for the plan's compressor");
  ZSTD_CCtx_setParameter(out->context_, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(out->context_, ZSTD_c_windowLog, 18);
  ZSTD_CCtx_setParameter(out->context_, ZSTD_c_checksumFlag, 1);
  out->out_.resize(ZSTD_CStreamOutSize());
  return out;
}

EntryWriter::~EntryWriter() { ZSTD_freeCCtx(context_); }

Status EntryWriter::add(const PlanEntry& entry) {
  const std::size_t at = pending_.size();
  wire::Encoder encoder(pending_);
  encoder.number(std::uint16_t{0});
  visit_entry(encoder, entry);
  const auto length = static_cast<std::uint16_t>(pending_.size() - at - sizeof(std::uint16_t));
  std::memcpy(pending_.data() + at, &length, sizeof length);
  ++count_;
  return pending_.size() >= kFlushAt ? compress(false) : Status();
}

Status EntryWriter::finish() { return compress(true); }

Status EntryWriter::compress(bool end) {
  ZSTD_inBuffer in{pending_.data(), pending_.size(), 0};
  while (true) {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) return fail(ErrorKind::bug, std::string("compressing the plan: ") + ZSTD_getErrorName(left));
    if (const Status wrote = write_all(file_.get(), {reinterpret_cast<char*>(out_.data()), out.pos}, "the plan"); !wrote)
      return wrote;
    bytes_ += out.pos;
    if (end ? left == 0 : in.pos == in.size) break;
  }
  pending_.clear();
  return {};
}

Result<std::unique_ptr<EntryReader>> EntryReader::open(const std::string& file, std::uint64_t directories) {
  std::unique_ptr<EntryReader> out(new EntryReader);
  out->file_ = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!out->file_) return fail_errno("reading " + file);
  out->context_ = ZSTD_createDCtx();
  if (out->context_ == nullptr) return fail(ErrorKind::system, "no memory for the plan's decompressor");
  ZSTD_DCtx_setParameter(out->context_, ZSTD_d_windowLogMax, 23);  // a hostile file may not ask for more
  out->in_.resize(kInput);
  out->buffer_.resize(kWindow);
  out->directories_ = directories;
  return out;
}

EntryReader::~EntryReader() { ZSTD_freeDCtx(context_); }

// Makes at least `wanted` decoded bytes available; false when the file ends before the first of them.
Result<bool> EntryReader::fill(std::size_t wanted) {
  while (end_ - begin_ < wanted) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (in_at_ == in_end_ && !at_end_) {
      const ssize_t got = ::read(file_.get(), in_.data(), in_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("reading the plan");
      at_end_ = got == 0;
      in_at_ = 0;
      in_end_ = static_cast<std::size_t>(got);
    }
    if (at_end_ && in_at_ == in_end_ && !frame_open_) {
      if (end_ == begin_) return false;
      return fail(ErrorKind::invalid, "the plan's entries are cut off");
    }
    ZSTD_inBuffer in{in_.data(), in_end_, in_at_};
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), end_};
    const std::size_t before = end_;
    const std::size_t left = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_isError(left))
      return fail(ErrorKind::invalid, std::string("the plan's entries are damaged: ") + ZSTD_getErrorName(left));
    in_at_ = in.pos;
    end_ = out.pos;
    frame_open_ = left != 0;
    if (at_end_ && frame_open_ && end_ == before) return fail(ErrorKind::invalid, "the plan's entries are cut off");
  }
  return true;
}

Result<bool> EntryReader::next(PlanEntry& entry) {
  Result<bool> more = fill(sizeof(std::uint16_t));
  if (!more || !*more) return more;
  std::uint16_t length = 0;
  std::memcpy(&length, buffer_.data() + begin_, sizeof length);
  if (length > kMaxRecord) return fail(ErrorKind::invalid, "the plan's entries are damaged: a record is too long");
  more = fill(sizeof length + length);
  if (!more) return more;
  wire::Decoder in(std::string_view(buffer_.data() + begin_ + sizeof length, length));
  visit_entry(in, entry);
  if (!in.done() || !is_entry_name(entry.name) || entry.directory >= directories_)
    return fail(ErrorKind::invalid, "the plan's entries are damaged: a record does not decode");
  begin_ += sizeof length + length;
  return true;
}

}  // namespace freshet
