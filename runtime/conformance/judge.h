#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "runtime/conformance/trial.h"
#include "runtime/conformance/verdict_book.h"
#include "runtime/manifest/manifest.h"

namespace freshet::conformance {

// Says what the trials of one plugin mean. `where` names a trial: "task old-files, an empty tree". Not thread-safe.
class Judge {
 public:
  // Neither is owned.
  Judge(const manifest::Manifest& manifest, VerdictBook& book) : manifest_(manifest), book_(book) {}

  // What holds for every trial, whatever the tree.
  void examine(const TrialResult& result, const std::string& where);
  // The first load, and the scan of an ordinary tree. False: nothing else can be tried.
  bool judge_ordinary(const TrialResult& result, const std::string& where);
  void judge_same(const TrialResult& one, const TrialResult& two, const std::string& where);
  void judge_speed(const TrialResult& result, const std::string& where);
  // One that was asked to end at once, beside one that was not.
  void judge_cancelled(const TrialResult& cancelled, const TrialResult& whole, const std::string& where);

  // A trial in which a scan has to come to its end in good order with one of these, examined too.
  void judge_end(std::string_view rule, const TrialResult& result, const std::string& where, std::initializer_list<std::int32_t> allowed);
  void judge_special(const TrialResult& result, const std::string& where);
  void judge_unreadable(const TrialResult& result, const std::string& where);
  void judge_bound(const TrialResult& result, const std::string& where);
  void judge_denied(const TrialResult& result, bool required, const std::string& where);
  // An ordinary tree, of a plugin that was tried on one of its own before: it may refuse this, and then whatever is like it.
  void judge_strange(const TrialResult& result, const std::string& where);
  // After all trials.
  void judge_permissions();

 private:
  [[nodiscard]] bool is_whole(std::int32_t status) const;
  void take_notes(const TrialResult& result, const std::string& where);

  const manifest::Manifest& manifest_;
  VerdictBook& book_;
  [[nodiscard]] bool is_allowed(const TrialResult& result, std::initializer_list<std::int32_t> allowed) const;

  bool found_something_ = false;
  bool picky_ = false;  // it refuses trees that it is not made for
  std::set<std::string> used_;  // features
};

}  // namespace freshet::conformance
