#include "runtime/conformance/judge.h"

#include <freshet/contents.h>
#include <freshet/ipc.h>
#include <freshet/links.h>
#include <freshet/plugin.h>

#include <algorithm>
#include <iterator>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/conformance/rules.h"
#include "runtime/conformance/status_names.h"

namespace freshet::conformance {
namespace {

using channel::EndReason;

constexpr std::int64_t kSlowNsAnEntry = 100'000;
constexpr std::uint64_t kEnoughToTime = 1'000;    // entries: with fewer its start is most of the time
constexpr std::uint64_t kEnoughToCancel = 8'192;  // entries of a scan that could have been cut off

// Words that a terminal can show: UTF-8 without control characters, with something that is no sign or space.
bool is_readable(std::string_view text) {
  if (!is_utf8(text)) return false;
  const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20) || c == 0x7f; };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80; };
  return std::ranges::none_of(text, control) && std::ranges::any_of(text, letter);
}

// How a worker ended, in words; empty: as asked.
std::string bad_end(const TrialResult& result) {
  if (result.end.reason == EndReason::none && result.scanned) return "";
  std::string out = result.end.what.empty() ? "the worker ended too early" : result.end.what;
  if (!result.end.code.empty()) out = result.end.code + ": " + out;
  for (const std::string& frame : result.back_trace) out += "\nat " + frame;
  return out;
}

std::string said(const TrialResult& result) { return "it said " + status_name(result.status); }

}  // namespace

// A recorded tree has no contents: a plugin that reads some cannot see everything in it.
bool Judge::is_whole(std::int32_t status) const {
  return status == FRESHET_OK || (status == FRESHET_UNREADABLE && asks_for(manifest_, "read"));
}

void Judge::take_notes(const TrialResult& result, const std::string& where) {
  for (const SeenNote& note : result.notes) {
    switch (note.kind) {
      case wire::NoteKind::wrong_thread: book_.fail("threads", where, note.text + " was called on another thread"); break;
      case wire::NoteKind::bad_argument:
        book_.fail(note.text.starts_with("emit_finding in verify") ? "verify-quiet" : "call-order", where, note.text);
        break;
      case wire::NoteKind::bad_finding: book_.fail("findings-listed", where, note.text); break;
      case wire::NoteKind::left_open: book_.fail("directories-closed", where, note.text + " was left open"); break;
      case wire::NoteKind::early_directory: book_.fail("directories-last", where, note.text); break;
      case wire::NoteKind::used_feature: used_.insert(note.text); break;
      case wire::NoteKind::feature:
      case wire::NoteKind::refused_feature:
      case wire::NoteKind::call: break;
    }
  }
}

void Judge::examine(const TrialResult& result, const std::string& where) {
  if (result.findings_count != 0) found_something_ = true;
  if (result.end.reason == EndReason::breach) book_.fail("system-calls", where, bad_end(result));
  if (!result.forged.empty()) book_.fail("protocol", where, result.forged);
  if (result.dropped_lines != 0) book_.fail("log-volume", where, counted(result.dropped_lines, "line was", "lines were") + " dropped");
  take_notes(result, where);
  for (const SeenFinding& finding : result.findings) {
    if (finding.reason.empty()) book_.fail("reasons-there", where, escape_bytes(finding.path));
    else if (!is_readable(finding.reason)) book_.fail("reasons-readable", where, escape_bytes(finding.path) + ": \"" + escape_bytes(finding.reason) + "\"");
  }
  constexpr std::pair<std::string_view, std::string_view> kKept[] = {
      {"memory reclamation", "memory-kept"}, {"thread pool restoration", "threads-kept"}, {"channel resources", "descriptors-kept"}, {"buffer pool", "buffers-kept"}};
  for (const ResourceCheck& check : result.resources) {
    const auto* const kept = std::ranges::find(kKept, check.name, [](const auto& one) { return one.first; });
    if (kept != std::end(kKept) && !check.passed) book_.fail(kept->second, where, check.detail);
  }
}

bool Judge::judge_ordinary(const TrialResult& result, const std::string& where) {
  const std::string end = bad_end(result);
  if (!result.loaded) {
    const EndReason reason = result.end.reason;
    if (reason == EndReason::breach) book_.fail("system-calls", where + ", while it was loaded", end);
    else if (reason == EndReason::protocol) book_.fail("protocol", where, end);
    else if (result.end.code == "F2013" && !result.end.what.contains("the loader refuses it")) book_.fail("constructors", where, end);
    else if (const Rule* const rule = find_rule_of_code(result.end.code)) book_.fail(rule->name, where, end);
    else book_.fail(reason == EndReason::signal ? "entry-function" : "constructors", where, end);
    return false;
  }
  for (const std::string_view name : {"constructors", "loads", "entry-function", "task-kinds", "settings-taken", "system-calls", "crash", "limits", "protocol", "exceptions", "scan-status"}) book_.tried(name);
  if (result.scanned)
    for (const std::string_view name : {"threads", "call-order", "findings-listed", "directories-last", "directories-closed", "reasons-there", "reasons-readable", "memory-kept", "threads-kept", "descriptors-kept", "buffers-kept", "log-volume"}) book_.tried(name);
  if (result.has_verify) book_.tried("verify-quiet");
  examine(result, where);
  switch (result.end.reason) {
    case EndReason::signal: book_.fail("crash", where, end); break;
    case EndReason::limit:
    case EndReason::timeout: book_.fail("limits", where, end); break;
    default: break;  // breach and protocol: examine says it
  }
  if (!end.empty()) return false;
  if (std::ranges::find(result.log, "the plugin let an exception out") != result.log.end()) {
    book_.fail("exceptions", where, "its scan let one out");
    return false;
  }
  if (is_whole(result.status)) return true;
  book_.fail("scan-status", where, said(result));
  return false;
}

void Judge::judge_same(const TrialResult& one, const TrialResult& two, const std::string& where) {
  book_.tried("stable-findings");
  std::vector<SeenFinding> a = one.findings;
  std::vector<SeenFinding> b = two.findings;
  std::ranges::sort(a);
  std::ranges::sort(b);
  if (a == b) return;
  std::vector<SeenFinding> differ;
  std::ranges::set_symmetric_difference(a, b, std::back_inserter(differ));
  book_.fail("stable-findings", where, escape_bytes(differ.front().path) + ": \"" + escape_bytes(differ.front().reason) + "\" was not in both scans");
}

void Judge::judge_speed(const TrialResult& result, const std::string& where) {
  examine(result, where);
  book_.tried("speed");
  if (!result.scanned || result.entries < kEnoughToTime) return;
  const std::int64_t each = result.cpu_ns / static_cast<std::int64_t>(result.entries);
  if (each > kSlowNsAnEntry) book_.fail("speed", where, std::to_string(each / 1000) + " µs of CPU an entry");
}

void Judge::judge_cancelled(const TrialResult& cancelled, const TrialResult& whole, const std::string& where) {
  book_.tried("cancellation");
  if (whole.entries < kEnoughToCancel) return;  // it would have come to its end anyway
  if (const std::string end = bad_end(cancelled); !end.empty()) book_.fail("cancellation", where, end);
  else if (cancelled.entries >= whole.entries) book_.fail("cancellation", where, "it listed all " + format_count(whole.entries) + " entries");
  else if (cancelled.status != FRESHET_CANCELLED) book_.fail("cancellation", where, said(cancelled));
}

bool Judge::is_allowed(const TrialResult& result, std::initializer_list<std::int32_t> allowed) const {
  if (picky_ && result.status == FRESHET_FAILED && !result.log.empty()) return true;
  return std::ranges::find(allowed, result.status) != allowed.end() || (*allowed.begin() == FRESHET_OK && is_whole(result.status));
}

void Judge::judge_end(std::string_view rule, const TrialResult& result, const std::string& where, std::initializer_list<std::int32_t> allowed) {
  book_.tried(rule);
  examine(result, where);
  if (const std::string end = bad_end(result); !end.empty()) {
    if (result.end.reason != EndReason::breach && result.end.reason != EndReason::protocol) book_.fail(rule, where, end);
  } else if (!is_allowed(result, allowed)) {
    book_.fail(rule, where, said(result));
  }
}

// Opening a mount point, or proposing one, is answered with INVALID: here that is its own rule.
void Judge::judge_special(const TrialResult& given, const std::string& where) {
  TrialResult result = given;
  book_.tried("special-entries");
  const auto of_mount = [](const SeenNote& note) { return note.text.contains("/mounted"); };
  if (const auto note = std::ranges::find_if(result.notes, of_mount); note != result.notes.end()) book_.fail("special-entries", where, note->text);
  std::erase_if(result.notes, of_mount);
  judge_end("special-entries", result, where, {FRESHET_OK});
}

void Judge::judge_unreadable(const TrialResult& given, const std::string& where) {
  TrialResult result = given;
  book_.tried("unreadable-kept");
  std::erase_if(result.notes, [](const SeenNote& note) { return note.kind == wire::NoteKind::early_directory; });
  const bool looked = result.entries != 0 || !result.unread.empty();  // one that proposes no files need not
  judge_end("unreadable-tree", result, where, {FRESHET_UNREADABLE, looked ? FRESHET_UNREADABLE : FRESHET_OK});
  for (const SeenFinding& finding : result.findings)
    if (finding.path.ends_with("/closed") || finding.path.ends_with("/broken")) book_.fail("unreadable-kept", where, escape_bytes(finding.path));
}

// No schema can say all that a plugin asks of its settings; but when it says no, it says why.
void Judge::judge_bound(const TrialResult& result, const std::string& where) {
  if (!result.loaded && result.end.code == "F2012" && result.end.what.contains(": ")) return;
  judge_end("setting-bounds", result, where, {FRESHET_OK});
}

void Judge::judge_denied(const TrialResult& result, bool required, const std::string& where) {
  if (!required) return judge_end("permission-denied", result, where, {FRESHET_OK});
  // The manager does not even start it without; it may say no, in whatever words.
  if (result.end.reason != EndReason::plugin) judge_end("permission-denied", result, where, {result.status});
}

void Judge::judge_strange(const TrialResult& result, const std::string& where) {
  picky_ = result.scanned && result.status == FRESHET_FAILED && !result.log.empty();
  judge_end("scan-status", result, where, {FRESHET_OK});
}

void Judge::judge_permissions() {
  book_.tried("permission-used");
  const auto unused = [&](const std::string& permission, const std::string& why) {
    if (asks_for(manifest_, permission)) book_.fail("permission-used", "permissions", "`" + permission + "` is asked for, and no trial " + why);
  };
  if (!found_something_) {
    unused("remove", "found anything to remove");
    unused("lock", "found anything for which the lock would be taken");
    unused("hook", "found anything around which a program would run");
  }
  if (!used_.contains(FRESHET_IPC_ID)) unused("ipc", "asked for an IPC object");
  if (!used_.contains(FRESHET_CONTENTS_ID) && !used_.contains(FRESHET_LINKS_ID)) unused("read", "opened a file or read a link");
}

}  // namespace freshet::conformance
