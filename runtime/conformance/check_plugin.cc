#include "runtime/conformance/check_plugin.h"

#include <freshet/contents.h>
#include <freshet/plugin.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/base/units.h"
#include "runtime/conformance/rules.h"
#include "runtime/conformance/settings_values.h"
#include "runtime/conformance/status_names.h"
#include "runtime/conformance/trial.h"
#include "runtime/conformance/trial_trees.h"

namespace freshet::conformance {
namespace {

using channel::EndReason;
using manifest::SettingType;
using manifest::TaskKind;

constexpr std::size_t kLeastDoc = 8;
constexpr std::int64_t kSlowNsAnEntry = 100'000;
constexpr std::uint64_t kEnoughToCancel = 8'192;  // entries of a scan that could have been cut off
constexpr std::size_t kMaxShown = 200;

// Words that a terminal can show: UTF-8 without control characters, with something that is no sign or space.
bool is_readable(std::string_view text) {
  if (!is_utf8(text)) return false;
  const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20) || c == 0x7f; };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80; };
  return std::ranges::none_of(text, control) && std::ranges::any_of(text, letter);
}

bool says_something(std::string_view doc, std::string_view name) {
  return doc.size() >= kLeastDoc && doc != name;
}

// How a worker ended, in words; empty: as asked.
std::string bad_end(const TrialResult& result) {
  if (result.end.reason == EndReason::none && result.scanned) return "";
  std::string out = result.end.what.empty() ? "the worker ended too early" : result.end.what;
  if (!result.end.code.empty()) out = result.end.code + ": " + out;
  return out;
}

// A directory that goes away with the object.
class Scratch {
 public:
  explicit Scratch(std::string base) {
    if (base.empty()) {
      const char* given = ::getenv("TMPDIR");
      base = given != nullptr && given[0] == '/' ? given : "/tmp";
    }
    std::string pattern = base + "/freshet-check.XXXXXX";
    std::error_code error;
    if (::mkdtemp(pattern.data()) != nullptr) path_ = std::filesystem::canonical(pattern, error).string();
    ::chmod(path_.c_str(), 0755);
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

  void fill() const {
    std::error_code ignored;
    for (int i = 0; i < 10; ++i) {
      const std::string directory = path_ + "/d" + std::to_string(i);
      std::filesystem::create_directory(directory, ignored);
      for (int k = 0; k < 30; ++k) std::ofstream(directory + "/f" + std::to_string(k)) << "some text\n";
    }
  }

 private:
  std::string path_;
};

// Changes a tree until it is destroyed: makes, renames and removes files and directories.
class Racer {
 public:
  explicit Racer(const std::string& path) : thread_([this, path] { run(path); }) {}
  ~Racer() {
    stop_ = true;
    thread_.join();
  }
  Racer(const Racer&) = delete;
  Racer& operator=(const Racer&) = delete;

 private:
  void run(const std::string& path) {
    std::error_code ignored;
    for (unsigned i = 0; !stop_; ++i) {
      const std::string directory = path + "/d" + std::to_string(i % 10);
      const std::string moved = path + "/moved" + std::to_string(i % 10);
      std::filesystem::rename(directory, moved, ignored);
      std::ofstream(moved + "/new" + std::to_string(i % 50)) << "x";
      std::filesystem::remove(moved + "/f" + std::to_string(i % 30), ignored);
      std::filesystem::rename(moved, directory, ignored);
      if (i % 40 == 39) std::filesystem::remove_all(directory, ignored);
      std::filesystem::create_directory(directory, ignored);
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Checker {
 public:
  Checker(Bench& bench, const CheckOptions& options, CheckReport& report) : bench_(bench), options_(options), report_(report) {
    for (const Rule& rule : all_rules()) {
      Verdict& verdict = report_.verdicts.emplace_back();
      verdict.name = rule.name;
      verdict.what = rule.what;
      verdict.why = rule.why;
      verdict.mend = rule.mend;
    }
  }

  Status check(const std::string& file) {
    Result<TriedPlugin> plugin = bench_.read(file);
    if (!plugin) {
      const Rule* const rule = find_rule_of_code(plugin.error().code);
      if (rule == nullptr) return std::unexpected(plugin.error());
      fail_rule(rule->name, "the file", plugin.error().what + (plugin.error().detail.empty() ? "" : "\n" + plugin.error().detail));
      return {};
    }
    report_.id = plugin->facts.manifest.id;
    report_.version = plugin->facts.manifest.version;
    plugin_ = &*plugin;
    check_file();
    check_manifest();
    for (const TaskKind& kind : plugin->facts.manifest.kinds) {
      if (const Status done = check_kind(kind); !done) return done;
    }
    if (ordinary_ran_) check_permissions();
    return {};
  }

 private:
  Verdict& verdict(std::string_view name) {
    return *std::ranges::find(report_.verdicts, name, &Verdict::name);
  }
  // Passed, unless something fails it.
  void tried(std::string_view name) {
    Verdict& one = verdict(name);
    if (one.outcome == Outcome::skipped) one.outcome = Outcome::passed;
  }
  void fail_rule(std::string_view name, std::string where, std::string seen) {
    Verdict& one = verdict(name);
    if (one.outcome == Outcome::failed) return;  // the first says it
    one.outcome = Outcome::failed;
    one.where = std::move(where);
    one.seen = std::move(seen);
  }
  [[nodiscard]] bool has_failed(std::string_view name) { return verdict(name).outcome == Outcome::failed; }

  void check_file() {
    for (const Rule& rule : all_rules())
      if (rule.code.starts_with("F20") && rule.code != "F2010" && rule.code != "F2011" && rule.code != "F2012" && rule.code != "F2013") tried(rule.name);
    tried("relro");
    if (!plugin_->facts.relro) fail_rule("relro", "the file", "it has no segment PT_GNU_RELRO");
    tried("bind-now");
    if (!plugin_->facts.bind_now) fail_rule("bind-now", "the file", "its symbols are looked up when they are first used");
  }

  void check_manifest() {
    const manifest::Manifest& manifest = plugin_->facts.manifest;
    tried("plugin-doc");
    if (!says_something(manifest.doc, manifest.id)) fail_rule("plugin-doc", "the manifest", manifest.doc.empty() ? "there is no top-level `doc`" : "`doc` is " + escape_bytes(manifest.doc));
    tried("task-docs");
    tried("setting-docs");
    tried("setting-ranges");
    for (const TaskKind& kind : manifest.kinds) {
      if (!says_something(kind.doc, kind.name)) fail_rule("task-docs", "[task." + kind.name + "]", "`doc` is \"" + escape_bytes(kind.doc) + "\"");
      for (const manifest::SettingSchema& setting : kind.settings) {
        const std::string where = "[task." + kind.name + ".settings] " + setting.name;
        if (!says_something(setting.doc, setting.name)) fail_rule("setting-docs", where, "`doc` is \"" + escape_bytes(setting.doc) + "\"");
        const bool ordered = setting.type == SettingType::integer || setting.type == SettingType::number || setting.type == SettingType::duration;
        if (ordered && !setting.range) fail_rule("setting-ranges", where, "there is no `range`");
      }
    }
    tried("abi-claim");
    const manifest::AbiVersion& min = manifest.abi_min;
    const manifest::AbiVersion last = min.major == 0 ? manifest::AbiVersion{1, 0} : manifest::AbiVersion{min.major + 1, 0};
    if (manifest.abi_below > last)
      fail_rule("abi-claim", "abi", "`below` is " + std::to_string(manifest.abi_below.major) + "." + std::to_string(manifest.abi_below.minor));
  }

  TrialRequest request(const TaskKind& kind, const std::string& tree) const {
    TrialRequest out;
    out.kind = kind.name;
    out.settings = base_;
    out.tree = &tree;
    out.read = asks_for("read");
    out.ipc = asks_for("ipc");
    out.now_ns = time_of_trees();
    return out;
  }
  Result<TrialResult> run(const TrialRequest& request, const std::string& where) {
    if (options_.on_trial) options_.on_trial(where);
    ++report_.trials;
    return bench_.run(*plugin_, request, options_.stop);
  }

  // What holds for every scan, whatever the tree.
  void examine(const TrialResult& result, const std::string& where) {
    if (result.findings_count != 0) found_something_ = true;
    if (result.end.reason == EndReason::breach) fail_rule("system-calls", where, result.end.what);
    if (!result.forged.empty()) fail_rule("protocol", where, result.forged);
    if (result.dropped_lines != 0) fail_rule("log-volume", where, counted(result.dropped_lines, "line was", "lines were") + " dropped");
    for (const SeenNote& note : result.notes) {
      switch (note.kind) {
        case wire::NoteKind::wrong_thread: fail_rule("threads", where, note.text + " was called on another thread"); break;
        case wire::NoteKind::bad_argument:
          fail_rule(note.text.starts_with("emit_finding in verify") ? "verify-quiet" : "call-order", where, note.text);
          break;
        case wire::NoteKind::bad_finding: fail_rule("findings-listed", where, note.text); break;
        case wire::NoteKind::left_open: fail_rule("directories-closed", where, note.text + " was left open"); break;
        case wire::NoteKind::early_directory: fail_rule("directories-last", where, note.text); break;
        case wire::NoteKind::feature: asked_contents_ = asked_contents_ || note.text == FRESHET_CONTENTS_ID; break;
        case wire::NoteKind::call: break;
      }
    }
    for (const SeenFinding& finding : result.findings) {
      if (finding.reason.empty()) fail_rule("reasons-there", where, escape_bytes(finding.path));
      else if (!is_readable(finding.reason)) fail_rule("reasons-readable", where, escape_bytes(finding.path) + ": \"" + escape_bytes(finding.reason) + "\"");
    }
    constexpr std::pair<std::string_view, std::string_view> kKept[] = {{"memory reclamation", "memory-kept"}, {"thread pool restoration", "threads-kept"}, {"channel resources", "descriptors-kept"}, {"buffer pool", "buffers-kept"}};
    for (const ResourceCheck& check : result.resources) {
      const auto* const kept = std::ranges::find(kKept, check.name, [](const auto& one) { return one.first; });
      if (kept != std::end(kKept) && !check.passed) fail_rule(kept->second, where, check.detail);
    }
  }

  // A recorded tree has no contents: a plugin that reads some cannot see everything in it.
  [[nodiscard]] bool is_whole(std::int32_t status) const {
    return status == FRESHET_OK || (status == FRESHET_UNREADABLE && asks_for("read"));
  }

  // What decides whether anything else can be tried: the first load and the scan of an ordinary tree. True to go on.
  bool judge_ordinary(const TrialResult& result, const std::string& where) {
    const std::string end = bad_end(result);
    if (!result.loaded) {
      const EndReason reason = result.end.reason;
      if (reason == EndReason::breach) fail_rule("system-calls", where + ", while it was loaded", end);
      else if (reason == EndReason::protocol) fail_rule("protocol", where, end);
      else if (result.end.code == "F2007") fail_rule("abi-range", where, end);
      else if (result.end.code == "F2013" && !result.end.what.contains("the loader refuses it")) fail_rule("constructors", where, end);
      else if (const Rule* const rule = find_rule_of_code(result.end.code)) fail_rule(rule->name, where, end);
      else fail_rule(reason == EndReason::signal ? "entry-function" : "constructors", where, end);
      return false;
    }
    for (const std::string_view name : {"constructors", "loads", "entry-function", "task-kinds", "settings-taken", "system-calls", "crash", "limits", "protocol", "exceptions", "scan-status"}) tried(name);
    switch (result.end.reason) {
      case EndReason::signal: fail_rule("crash", where, end); break;
      case EndReason::limit:
      case EndReason::timeout: fail_rule("limits", where, end); break;
      default: break;  // breach and protocol: examine says it
    }
    if (!end.empty()) return false;
    if (std::ranges::find(result.log, "the plugin let an exception out") != result.log.end()) {
      fail_rule("exceptions", where, "its scan let one out");
      return false;
    }
    if (is_whole(result.status)) return true;
    fail_rule("scan-status", where, "it said " + status_name(result.status));
    return false;
  }

  // A tree on which nothing else has to hold than that the scan comes to an end in good order.
  void judge_scenario(std::string_view rule, const TrialResult& result, const std::string& where, std::initializer_list<std::int32_t> allowed) {
    tried(rule);
    examine(result, where);
    if (const std::string end = bad_end(result); !end.empty()) {
      if (result.end.reason != EndReason::breach && result.end.reason != EndReason::protocol) fail_rule(rule, where, end);
    } else if (std::ranges::find(allowed, result.status) == allowed.end() && !(is_whole(result.status) && *allowed.begin() == FRESHET_OK)) {
      fail_rule(rule, where, "it said " + status_name(result.status));
    }
  }

  Status check_kind(const TaskKind& kind) {
    const std::string task = "task " + kind.name;
    std::map<std::string, std::string> given;
    for (const auto& [name, text] : options_.settings)
      if (std::ranges::find(kind.settings, name, &manifest::SettingSchema::name) != kind.settings.end()) given.emplace(name, text);
    Result<manifest::TypedSettings> base = base_settings(kind, given);
    if (!base) return std::unexpected(base.error());
    base_ = std::move(*base);

    const std::string ordinary = ordinary_tree();
    TrialRequest first = request(kind, ordinary);
    first.verify = true;
    const Result<TrialResult> result = run(first, task + ", an ordinary tree");
    if (!result) return std::unexpected(result.error());
    for (const std::string_view name : {"threads", "call-order", "findings-listed", "directories-last", "directories-closed", "reasons-there", "reasons-readable", "memory-kept", "threads-kept", "descriptors-kept", "buffers-kept", "log-volume"})
      if (result->scanned) tried(name);
    if (result->has_verify) tried("verify-quiet");
    examine(*result, task + ", an ordinary tree");
    if (!judge_ordinary(*result, task + ", an ordinary tree")) return {};
    ordinary_ran_ = true;

    const Result<TrialResult> again = run(first, task + ", the same tree again");
    if (!again) return std::unexpected(again.error());
    compare(*result, *again, task + ", an ordinary tree twice");
    if (const Status done = check_speed(kind, task); !done) return done;
    if (const Status done = check_trees(kind, task); !done) return done;
    if (const Status done = check_race(kind, task); !done) return done;
    if (const Status done = check_bounds(kind, task, ordinary); !done) return done;
    if (const Status done = check_denied(kind, task); !done) return done;
    return check_recorded(kind, task);
  }

  void compare(const TrialResult& one, const TrialResult& two, const std::string& where) {
    tried("stable-findings");
    std::vector<SeenFinding> a = one.findings;
    std::vector<SeenFinding> b = two.findings;
    std::ranges::sort(a);
    std::ranges::sort(b);
    if (a == b) return;
    std::vector<SeenFinding> differ;
    std::ranges::set_symmetric_difference(a, b, std::back_inserter(differ));
    fail_rule("stable-findings", where, escape_bytes(differ.front().path) + ": \"" + escape_bytes(differ.front().reason) + "\" was not in both scans");
  }

  Status check_speed(const TaskKind& kind, const std::string& task) {
    const std::string tree = deep_tree();
    const Result<TrialResult> result = run(request(kind, tree), task + ", a deep tree");
    if (!result) return std::unexpected(result.error());
    judge_scenario("deep-tree", *result, task + ", a deep tree", {FRESHET_OK});
    const Result<TrialResult> ordinary = run(request(kind, many_), task + ", many entries");
    if (!ordinary) return std::unexpected(ordinary.error());
    examine(*ordinary, task + ", many entries");
    tried("speed");
    const std::int64_t each = ordinary->entries == 0 ? 0 : ordinary->cpu_ns / static_cast<std::int64_t>(ordinary->entries);
    if (ordinary->scanned && each > kSlowNsAnEntry) fail_rule("speed", task + ", many entries", std::to_string(each / 1000) + " µs of CPU an entry");
    return {};
  }

  Status check_trees(const TaskKind& kind, const std::string& task) {
    struct Scenario {
      std::string_view rule;
      const char* name;
      std::string (*tree)();
      std::initializer_list<std::int32_t> allowed;
    };
    const Scenario scenarios[] = {
        {"empty-tree", ", an empty tree", empty_tree, {FRESHET_OK}},
        {"vanishing-tree", ", entries that vanish", vanishing_tree, {FRESHET_OK, FRESHET_UNREADABLE}},
        {"odd-names", ", odd names", odd_names_tree, {FRESHET_OK}},
        {"special-entries", ", special entries", special_tree, {FRESHET_OK}},
        {"odd-times", ", odd times", odd_times_tree, {FRESHET_OK}},
    };
    for (const Scenario& scenario : scenarios) {
      const std::string tree = scenario.tree();
      const Result<TrialResult> result = run(request(kind, tree), task + scenario.name);
      if (!result) return std::unexpected(result.error());
      if (scenario.rule == "special-entries") {
        judge_special(*result, task + scenario.name);
      } else {
        judge_scenario(scenario.rule, *result, task + scenario.name, scenario.allowed);
      }
    }
    const std::string unreadable = unreadable_tree();
    const Result<TrialResult> closed = run(request(kind, unreadable), task + ", an unreadable tree");
    if (!closed) return std::unexpected(closed.error());
    judge_unreadable(*closed, task + ", an unreadable tree");
    if (has_failed("speed")) return {};  // it would take minutes
    const std::string huge = huge_tree();
    const Result<TrialResult> whole = run(request(kind, huge), task + ", a huge tree");
    if (!whole) return std::unexpected(whole.error());
    judge_scenario("huge-tree", *whole, task + ", a huge tree", {FRESHET_OK});
    TrialRequest cut = request(kind, huge);
    cut.cancel = true;
    const Result<TrialResult> cancelled = run(cut, task + ", cancelled at once");
    if (!cancelled) return std::unexpected(cancelled.error());
    tried("cancellation");
    if (whole->entries < kEnoughToCancel) return {};  // it would have come to its end anyway
    if (const std::string end = bad_end(*cancelled); !end.empty()) fail_rule("cancellation", task + ", cancelled at once", end);
    else if (cancelled->entries >= whole->entries) fail_rule("cancellation", task + ", cancelled at once", "it listed all " + format_count(whole->entries) + " entries");
    else if (cancelled->status != FRESHET_CANCELLED) fail_rule("cancellation", task + ", cancelled at once", "it said " + status_name(cancelled->status));
    return {};
  }

  // Opening a mount point, or proposing one, is answered with INVALID: here that is its own rule.
  void judge_special(const TrialResult& given, const std::string& where) {
    TrialResult result = given;
    tried("special-entries");
    const auto of_mount = [](const SeenNote& note) { return note.text.contains("/mounted"); };
    if (const auto note = std::ranges::find_if(result.notes, of_mount); note != result.notes.end()) fail_rule("special-entries", where, note->text);
    std::erase_if(result.notes, of_mount);
    judge_scenario("special-entries", result, where, {FRESHET_OK});
  }

  void judge_unreadable(const TrialResult& given, const std::string& where) {
    TrialResult result = given;
    tried("unreadable-kept");
    std::erase_if(result.notes, [](const SeenNote& note) { return note.kind == wire::NoteKind::early_directory; });
    judge_scenario("unreadable-tree", result, where, {FRESHET_UNREADABLE});
    for (const SeenFinding& finding : result.findings)
      if (finding.path.ends_with("/closed") || finding.path.ends_with("/broken")) fail_rule("unreadable-kept", where, escape_bytes(finding.path));
  }

  Status check_race(const TaskKind& kind, const std::string& task) {
    const Scratch scratch(options_.scratch);
    if (scratch.path().empty()) return fail(ErrorKind::system, "no temporary directory can be made", "name one with TMPDIR");
    scratch.fill();
    TrialRequest request = this->request(kind, many_);
    request.tree = nullptr;
    request.root = scratch.path();
    request.now_ns = SystemClock().now() + 400LL * 86'400'000'000'000;  // everything in it is old
    const Racer racer(scratch.path());
    for (int i = 0; i < 3; ++i) {
      const Result<TrialResult> result = run(request, task + ", a tree that others change");
      if (!result) return std::unexpected(result.error());
      judge_scenario("racing-tree", *result, task + ", a tree that others change", {FRESHET_OK, FRESHET_UNREADABLE});
    }
    return {};
  }

  Status check_bounds(const TaskKind& kind, const std::string& task, const std::string& tree) {
    tried("setting-bounds");
    for (const Boundary& boundary : boundaries(kind, base_)) {
      TrialRequest request = this->request(kind, tree);
      request.settings = boundary.settings;
      const std::string where = task + ", " + boundary.shown;
      const Result<TrialResult> result = run(request, where);
      if (!result) return std::unexpected(result.error());
      // No schema can say all that a plugin asks of its settings; but then it says why.
      if (!result->loaded && result->end.code == "F2012" && result->end.what.contains(": ")) continue;
      judge_scenario("setting-bounds", *result, where, {FRESHET_OK});
    }
    return {};
  }

  Status check_denied(const TaskKind& kind, const std::string& task) {
    const auto& optional = plugin_->facts.manifest.optional_permissions;
    tried("permission-denied");
    if (optional.empty()) return {};
    const Scratch scratch(options_.scratch);
    scratch.fill();
    TrialRequest request = this->request(kind, many_);
    request.tree = nullptr;
    request.root = scratch.path();
    request.now_ns = SystemClock().now() + 400LL * 86'400'000'000'000;
    for (const bool read : {true, false}) {
      request.read = read && asks_for("read");
      request.ipc = read && asks_for("ipc");
      const std::string where = task + (read ? ", everything granted" : ", optional permissions denied");
      const Result<TrialResult> result = run(request, where);
      if (!result) return std::unexpected(result.error());
      if (read) examine(*result, where);
      else judge_scenario("permission-denied", *result, where, {FRESHET_OK});
    }
    return {};
  }

  Status check_recorded(const TaskKind& kind, const std::string& task) {
    if (options_.tree.empty()) return {};
    TrialRequest request = this->request(kind, options_.tree);
    request.now_ns = recorded_time(options_.tree);
    const std::string where = task + ", the recorded tree";
    const Result<TrialResult> result = run(request, where);
    if (!result) return std::unexpected(result.error());
    examine(*result, where);
    if (const std::string end = bad_end(*result); !end.empty()) fail_rule(result->end.reason == EndReason::limit || result->end.reason == EndReason::timeout ? "limits" : "crash", where, end);
    else if (result->status != FRESHET_OK && result->status != FRESHET_UNREADABLE) fail_rule("scan-status", where, "it said " + status_name(result->status));
    report_.proposed_count += result->findings_count;
    for (const SeenFinding& finding : result->findings)
      if (report_.proposed.size() < kMaxShown) report_.proposed.push_back(escape_bytes(finding.path) + "  " + escape_bytes(finding.reason));
    return {};
  }

  static std::int64_t recorded_time(const std::string& tree) {
    constexpr std::string_view kKey = "\nrecorded ";
    const std::size_t at = tree.find(kKey);
    return at == std::string::npos ? 0 : ::strtoll(tree.c_str() + at + kKey.size(), nullptr, 10);
  }

  [[nodiscard]] bool asks_for(std::string_view permission) const {
    const manifest::Manifest& manifest = plugin_->facts.manifest;
    return std::ranges::find(manifest.required_permissions, permission) != manifest.required_permissions.end() ||
           std::ranges::find(manifest.optional_permissions, permission) != manifest.optional_permissions.end();
  }

  void check_permissions() {
    tried("permission-used");
    if (asks_for("remove") && !found_something_) fail_rule("permission-used", "permissions", "`remove` is asked for, and no trial found anything to remove");
    if (asks_for("ipc") && !found_something_) fail_rule("permission-used", "permissions", "`ipc` is asked for, and no trial found an object");
    if (asks_for("read") && !asked_contents_) fail_rule("permission-used", "permissions", "`read` is asked for, and no trial asked for contents");
  }

  Bench& bench_;
  const CheckOptions& options_;
  CheckReport& report_;
  const TriedPlugin* plugin_ = nullptr;
  manifest::TypedSettings base_;
  bool found_something_ = false;
  bool asked_contents_ = false;
  bool ordinary_ran_ = false;
  const std::string many_ = wide_tree();
};

}  // namespace

bool CheckReport::passed() const {
  return std::ranges::none_of(verdicts, [](const Verdict& one) { return one.outcome == Outcome::failed; });
}

Result<CheckReport> check_plugin(const std::string& file, const CheckOptions& options) {
  Result<std::unique_ptr<Bench>> bench = Bench::create(options.role_executable, options.strict);
  if (!bench) return std::unexpected(bench.error());
  CheckReport report;
  report.file = file;
  Checker checker(**bench, options, report);
  if (const Status done = checker.check(file); !done) return std::unexpected(done.error());
  return report;
}

}  // namespace freshet::conformance
