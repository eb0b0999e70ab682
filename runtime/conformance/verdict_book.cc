#include "runtime/conformance/verdict_book.h"

#include <algorithm>

#include "runtime/conformance/rules.h"

namespace freshet::conformance {

VerdictBook::VerdictBook(std::vector<Verdict>& verdicts) : verdicts_(verdicts) {
  for (const Rule& rule : all_rules()) {
    Verdict& verdict = verdicts_.emplace_back();
    verdict.name = rule.name;
    verdict.what = rule.what;
    verdict.why = rule.why;
    verdict.mend = rule.mend;
  }
}

Verdict& VerdictBook::of(std::string_view rule) const { return *std::ranges::find(verdicts_, rule, &Verdict::name); }

void VerdictBook::tried(std::string_view rule) {
  Verdict& one = of(rule);
  if (one.outcome == Outcome::skipped) one.outcome = Outcome::passed;
}

void VerdictBook::fail(std::string_view rule, std::string where, std::string seen) {
  Verdict& one = of(rule);
  if (one.outcome == Outcome::failed) return;
  one.outcome = Outcome::failed;
  one.where = std::move(where);
  one.seen = std::move(seen);
}

bool VerdictBook::has_failed(std::string_view rule) const { return of(rule).outcome == Outcome::failed; }

}  // namespace freshet::conformance
