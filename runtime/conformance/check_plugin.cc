#include "runtime/conformance/check_plugin.h"

#include <freshet/plugin.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/conformance/judge.h"
#include "runtime/conformance/judge_facts.h"
#include "runtime/conformance/living_tree.h"
#include "runtime/conformance/rules.h"
#include "runtime/conformance/settings_values.h"
#include "runtime/conformance/trial.h"
#include "runtime/conformance/trial_trees.h"
#include "runtime/conformance/verdict_book.h"

namespace freshet::conformance {
namespace {

constexpr std::size_t kMaxShown = 200;
constexpr int kRaces = 3;
constexpr std::int64_t kLater = 400LL * 86'400'000'000'000;  // everything just made is old then

std::int64_t recorded_time(const std::string& tree) {
  constexpr std::string_view kKey = "\nrecorded ";
  const std::size_t at = tree.find(kKey);
  return at == std::string::npos ? 0 : ::strtoll(tree.c_str() + at + kKey.size(), nullptr, 10);
}

// The trials of one task kind, one after another.
class KindCheck {
 public:
  KindCheck(Bench& bench, const TriedPlugin& plugin, const manifest::TaskKind& kind, const CheckOptions& options, Judge& judge, VerdictBook& book, CheckReport& report)
      : bench_(bench), plugin_(plugin), manifest_(plugin.facts.manifest), kind_(kind), task_("task " + kind.name), options_(options), judge_(judge), book_(book), report_(report) {}

  // False: it does not even scan an ordinary tree.
  Result<bool> check() {
    const Result<manifest::TypedSettings> base = base_settings(kind_, options_.settings);
    if (!base) return std::unexpected(base.error());
    base_ = *base;
    const std::string ordinary = ordinary_tree();
    TrialRequest first = usual(ordinary);
    first.verify = true;
    const Result<TrialResult> result = run(first, usual_name());
    if (!result) return std::unexpected(result.error());
    if (!judge_.judge_ordinary(*result, where_)) return false;
    if (has_own()) report_proposed(*result);
    const Result<TrialResult> again = run(first, usual_name() + " twice");
    if (!again) return std::unexpected(again.error());
    judge_.judge_same(*result, *again, where_);
    if (has_own()) {
      const Result<TrialResult> strange = run(request(ordinary), ", an ordinary tree");
      if (!strange) return std::unexpected(strange.error());
      judge_.judge_strange(*strange, where_);
    }
    if (const Status done = check_trees(); !done) return std::unexpected(done.error());
    if (const Status done = check_speed(); !done) return std::unexpected(done.error());
    if (const Status done = check_huge(); !done) return std::unexpected(done.error());
    if (const Status done = check_race(); !done) return std::unexpected(done.error());
    if (const Status done = check_bounds(first); !done) return std::unexpected(done.error());
    if (const Status done = check_denied(); !done) return std::unexpected(done.error());
    return true;
  }

 private:
  [[nodiscard]] TrialRequest request(const std::string& tree) const {
    TrialRequest out;
    out.kind = kind_.name;
    out.settings = base_;
    out.tree = &tree;
    out.read = asks_for(manifest_, "read");
    out.ipc = asks_for(manifest_, "ipc");
    out.now_ns = time_of_trees();
    return out;
  }
  [[nodiscard]] TrialRequest request(const LivingTree& tree) const {
    TrialRequest out = request(task_);
    out.tree = nullptr;
    out.roots = {tree.path()};
    out.now_ns = SystemClock().now() + kLater;
    return out;
  }
  [[nodiscard]] bool has_own() const { return !options_.tree.empty() || !options_.roots.empty(); }
  [[nodiscard]] std::string usual_name() const { return !options_.roots.empty() ? ", the directory" : has_own() ? ", the recorded tree" : ", an ordinary tree"; }
  [[nodiscard]] TrialRequest usual(const std::string& ordinary) const {
    TrialRequest out = request(options_.tree.empty() ? ordinary : options_.tree);
    if (!options_.tree.empty()) out.now_ns = recorded_time(options_.tree);
    if (options_.roots.empty()) return out;
    out.tree = nullptr;
    out.roots = options_.roots;
    out.now_ns = SystemClock().now();
    return out;
  }
  Result<TrialResult> run(const TrialRequest& request, const std::string& what) {
    where_ = task_ + what;
    if (options_.on_trial) options_.on_trial(where_);
    ++report_.trials;
    return bench_.run(plugin_, request, options_.stop);
  }

  Status check_trees() {
    struct Scenario {
      std::string_view rule;
      const char* name;
      std::string (*tree)();
      std::initializer_list<std::int32_t> allowed;
    };
    const Scenario scenarios[] = {
        {"empty-tree", ", an empty tree", empty_tree, {FRESHET_OK}},
        {"unreadable-tree", ", an unreadable tree", unreadable_tree, {}},
        {"vanishing-tree", ", entries that vanish", vanishing_tree, {FRESHET_OK, FRESHET_UNREADABLE}},
        {"odd-names", ", odd names", odd_names_tree, {FRESHET_OK}},
        {"special-entries", ", special entries", special_tree, {}},
        {"odd-times", ", odd times", odd_times_tree, {FRESHET_OK}},
        {"deep-tree", ", a deep tree", deep_tree, {FRESHET_OK}},
    };
    for (const Scenario& scenario : scenarios) {
      const std::string tree = scenario.tree();
      Result<TrialResult> result = run(request(tree), scenario.name);
      if (!result) return std::unexpected(result.error());
      // Of thousands of freed paths, each of another length, libc keeps some hundred KiB for the next ones.
      if (scenario.rule == "deep-tree") result->resources.clear();
      if (scenario.rule == "special-entries") judge_.judge_special(*result, where_);
      else if (scenario.rule == "unreadable-tree") judge_.judge_unreadable(*result, where_);
      else judge_.judge_end(scenario.rule, *result, where_, scenario.allowed);
    }
    return {};
  }

  Status check_speed() {
    const std::string tree = wide_tree();
    const Result<TrialResult> result = run(request(tree), ", many entries");
    if (!result) return std::unexpected(result.error());
    judge_.judge_speed(*result, where_);
    return {};
  }

  Status check_huge() {
    if (book_.has_failed("speed")) return {};  // it would take minutes
    const std::string tree = huge_tree();
    const Result<TrialResult> whole = run(request(tree), ", a huge tree");
    if (!whole) return std::unexpected(whole.error());
    judge_.judge_end("huge-tree", *whole, where_, {FRESHET_OK});
    TrialRequest cut = request(tree);
    cut.cancel = true;
    const Result<TrialResult> cancelled = run(cut, ", cancelled at once");
    if (!cancelled) return std::unexpected(cancelled.error());
    judge_.judge_cancelled(*cancelled, *whole, where_);
    return {};
  }

  Status check_race() {
    const Result<std::unique_ptr<LivingTree>> tree = LivingTree::make(options_.scratch);
    if (!tree) return std::unexpected(tree.error());
    const LivingTree::Change change((*tree)->path());
    for (int i = 0; i < kRaces; ++i) {
      const Result<TrialResult> result = run(request(**tree), ", a tree that others change");
      if (!result) return std::unexpected(result.error());
      judge_.judge_end("racing-tree", *result, where_, {FRESHET_OK, FRESHET_UNREADABLE});
    }
    return {};
  }

  Status check_bounds(const TrialRequest& usual) {
    book_.tried("setting-bounds");
    for (const Boundary& boundary : boundaries(kind_, base_)) {
      TrialRequest bounded = usual;
      bounded.verify = false;
      bounded.settings = boundary.settings;
      const Result<TrialResult> result = run(bounded, ", " + boundary.shown);
      if (!result) return std::unexpected(result.error());
      judge_.judge_bound(*result, where_);
    }
    return {};
  }

  // Of the permissions only these two can be seen from a worker: the others are carried out around it.
  Status check_denied() {
    book_.tried("permission-denied");
    const bool read = asks_for(manifest_, "read");
    const bool ipc = asks_for(manifest_, "ipc");
    if (!read && !ipc) return {};
    const Result<std::unique_ptr<LivingTree>> tree = LivingTree::make(options_.scratch);
    if (!tree) return std::unexpected(tree.error());
    const Result<TrialResult> granted = run(request(**tree), ", files with contents");
    if (!granted) return std::unexpected(granted.error());
    judge_.examine(*granted, where_);
    for (const std::string permission : {"read", "ipc"}) {
      if (!asks_for(manifest_, permission)) continue;
      TrialRequest denied = request(**tree);
      (permission == "read" ? denied.read : denied.ipc) = false;
      const Result<TrialResult> result = run(denied, ", `" + permission + "` is denied");
      if (!result) return std::unexpected(result.error());
      const auto& required = manifest_.required_permissions;
      judge_.judge_denied(*result, std::ranges::find(required, permission) != required.end(), where_);
    }
    return {};
  }

  void report_proposed(const TrialResult& result) {
    report_.proposed_count += result.findings_count;
    for (const SeenFinding& finding : result.findings)
      if (report_.proposed.size() < kMaxShown) report_.proposed.push_back(shown(finding));
  }

  Bench& bench_;
  const TriedPlugin& plugin_;
  const manifest::Manifest& manifest_;
  const manifest::TaskKind& kind_;
  const std::string task_;
  const CheckOptions& options_;
  Judge& judge_;
  VerdictBook& book_;
  CheckReport& report_;
  manifest::TypedSettings base_;
  std::string where_;  // of the last trial
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
  VerdictBook book(report.verdicts);
  const Result<TriedPlugin> plugin = (*bench)->read(file);
  if (!plugin) {
    const Rule* const rule = find_rule_of_code(plugin.error().code);
    if (rule == nullptr) return std::unexpected(plugin.error());
    book.fail(rule->name, "the file", plugin.error().what + (plugin.error().detail.empty() ? "" : "\n" + plugin.error().detail));
    return report;
  }
  const manifest::Manifest& manifest = plugin->facts.manifest;
  report.id = manifest.id;
  report.version = manifest.version;
  if (const Status known = check_names(manifest.kinds, options.settings); !known) return std::unexpected(known.error());
  judge_facts(plugin->facts, book);
  Judge judge(manifest, book);
  bool scanned = false;
  for (const manifest::TaskKind& kind : manifest.kinds) {
    const Result<bool> done = KindCheck(**bench, *plugin, kind, options, judge, book, report).check();
    if (!done) return std::unexpected(done.error());
    scanned = scanned || *done;
  }
  if (scanned) judge.judge_permissions();
  return report;
}

}  // namespace freshet::conformance
