#include "runtime/report/text.h"

#include <gtest/gtest.h>

#include "runtime/report/check_report.h"
#include "runtime/report/past_runs.h"
#include "tests/unit/report/samples.h"

namespace freshet::report {
namespace {

constexpr Style kStyle{.colour = false, .unicode = true, .width = 80};

TEST(PlanText, ATaskReadsAsFiguresBarsAndWhatStays) {
  EXPECT_EQ(plan_text(sample_plan(), kStyle, false),
            R"golden(expired-web-cache  org.freshet.expired-files 1.0.0, channel web-cache
  may          remove below /var/cache/web
  quarantine   keep 7d
  /var/cache/web
    1,200 of 2,000 entries   1000 B   oldest 41 d
    ████████████████████████  800 B  1,000 entries  images
    ████▌                     150 B    150 entries  (directly in it)
    ▏                           1 B        1 entry  odd\n\xff
                               49 B     49 entries  in other directories
  cost         100 B regenerable; 900 B unique
  get back     for 7d by a rollback; after that 100 B made again by what made
               it; 900 B from nowhere else
  stays        12 in use, 3 locked
  unread       2 entries
    /var/cache/web/x: Permission denied
    and 1 more
  repeated     1 entry proposed more than once by the plugin (counted once)

logs  refused  org.example.logs 2.0.0, channel logs
  a boundary is broken
  F1011 root /etc is a protected place
        at /etc/freshet/freshet.toml:7:9
        7 | roots = ..
          |         ^
        help: name a folder below it

TASK               ENTRIES    SIZE  OLDEST
expired-web-cache    1,200  1000 B    41 d  ██████████  /var/cache/web
logs               refused

To be removed    1,200
Freed at once      0 B
Freed at purge  1000 B
1 of 2 tasks will not run.
)golden");
}

TEST(PlanText, WithoutUtf8ItKeepsToAsciiAndDetailsShowEveryExample) {
  EXPECT_EQ(plan_text(sample_plan(), {.colour = false, .unicode = false, .width = 60}, true),
            R"golden(expired-web-cache  org.freshet.expired-files 1.0.0, channel web-cache
  may          remove below /var/cache/web
  quarantine   keep 7d
  /var/cache/web
    1,200 of 2,000 entries   1000 B   oldest 41 d
    ########  800 B  1,000 entries  images
    ##        150 B    150 entries  (directly in it)
    #           1 B        1 entry  odd\n\xff
               49 B     49 entries  in other directories
  cost         100 B regenerable; 900 B unique
  get back     for 7d by a rollback; after that 100 B made
               again by what made it; 900 B from nowhere
               else
  stays        12 in use, 3 locked
    /var/cache/web/a: in use
  unread       2 entries
    /var/cache/web/x: Permission denied
    and 1 more
  repeated     1 entry proposed more than once by the plugin
               (counted once)

logs  refused  org.example.logs 2.0.0, channel logs
  a boundary is broken
  F1011 root /etc is a protected place
        at /etc/freshet/freshet.toml:7:9
        7 | roots = ..
          |         ^
        help: name a folder below it

TASK               ENTRIES    SIZE  OLDEST
expired-web-cache    1,200  1000 B    41 d  ########  /var/cache/web
logs               refused

To be removed    1,200
Freed at once      0 B
Freed at purge  1000 B
1 of 2 tasks will not run.
)golden");
}

TEST(EntryText, AnEntryIsOneLineWithItsReason) {
  EXPECT_EQ(entry_text(sample_entry(), kNow, kStyle),
            R"golden(file          512 B    41 d  /r/a\xff  (mtime 41 d, limit 30 d)
)golden");
}

// Of what an interrupted run did not come to, only the number is known.
TEST(RunText, MoreIsSaidOnlyBelowExamples) {
  RunResult run = sample_run();
  run.tasks[0].refusals.clear();
  EXPECT_EQ(run_text(run, kStyle, false).find("more"), std::string::npos);
  run.tasks[0].refusals = {{"/a", "changed"}};
  EXPECT_NE(run_text(run, kStyle, false).find("and 1 more"), std::string::npos);
}

TEST(RunText, TheReasonOfARefusalIsSaidOnce) {
  RunResult run = sample_run();
  CleanupResult& task = run.tasks[1];
  for (const std::string& what : {std::string("the roots overlap"), task.task + ": the roots overlap"}) {
    task.error.emplace(SecurityError(SecurityCause::violation, Error{ErrorKind::refused, "F1020", what, ""}));
    task.note = "the roots overlap";
    const std::string text = run_text(run, kStyle, false);
    const std::size_t first = text.find("the roots overlap");
    ASSERT_NE(first, std::string::npos) << text;
    EXPECT_EQ(text.find("the roots overlap", first + 1), std::string::npos) << text;
  }
  task.note = "another matter";
  EXPECT_NE(run_text(run, kStyle, false).find("the roots overlap"), std::string::npos);
  EXPECT_NE(run_text(run, kStyle, false).find("another matter"), std::string::npos);
}

TEST(RunText, ARefusedTaskNamesEveryViolation) {
  RunResult run = sample_run();
  CleanupResult& task = run.tasks[1];
  task.note = "no such root";
  task.violations = {{"F1012", "no such root", "make it", ""}, {"F1011", "root `/etc` is protected", "name another", ""}};
  const std::string text = run_text(run, kStyle, false);
  EXPECT_NE(text.find("\n  F1012 no such root\n  F1011 root `/etc` is protected\n"), std::string::npos) << text;
}

TEST(RunText, ReclaimedNowAndAtPurgeStandApart) {
  EXPECT_EQ(run_text(sample_run(), kStyle, false),
            R"golden(expired-web-cache  committed
  removed      1,198 of 1,200 entries
  not removed  2 entries: 2 changed since the plan
    /var/cache/web/a\xff: changed since the plan
    /var/cache/web/b: changed since the plan
logs  failed (signal)
  the worker ended by SIGSEGV
  isolation    best-effort, without net namespace

Run r1: partly
  Removed               1,198 entries
  Reclaimed now                   0 B
  Reclaimable at purge          990 B
Purged run r0: 5 entries, 77 B freed (kept for 7d)
)golden");
}

TEST(HistoryText, ARunIsOneLine) {
  EXPECT_EQ(
      history_text({sample_past_run("r2", RunState::done), sample_past_run("r1", RunState::purged)}, kStyle),
      R"golden(RUN  STARTED               STATE   REMOVED  NOW  AT PURGE  TASKS
r2   2024-10-04T00:00:00Z  done         10  0 B     100 B  web
r1   2024-10-04T00:00:00Z  purged       10  0 B     100 B  web
)golden");
}

TEST(HistoryText, ATaskThatWasNotWhollyIsolatedSaysSo) {
  RunSummary run = sample_past_run("r2", RunState::done);
  run.tasks[0].missing_layers = {"private root (names outside the grant could be seen)", "uid of its own: 7 cannot be taken here"};
  const std::string text = history_text({run}, kStyle);
  EXPECT_NE(text.find("web (without private root, uid of its own)\n"), std::string::npos) << text;
}

TEST(StatusText, WhatIsLeftIsSaidToTheHour) {
  constexpr std::int64_t kHour = kDay / 24;
  for (const auto& [left, text] : {std::pair{7 * kDay - 1, "kept for 6 d 23 h more"}, {7 * kDay, "kept for 7 d more"}, {5 * kHour + 1, "kept for 5 h more"}}) {
    RunSummary run = sample_past_run("r1", RunState::done);
    run.keep_until_ns = kNow + left;
    EXPECT_NE(status_text({run}, kNow, kStyle).find(text), std::string::npos) << status_text({run}, kNow, kStyle);
  }
}

TEST(StatusText, WhyARunIsNotWhollyTakenBackIsSaid) {
  RunSummary run = sample_past_run("r1", RunState::failed);
  run.note = "rollback incomplete: 1 conflicts, the first: /r/x: something stands there";
  EXPECT_NE(status_text({run}, kNow, kStyle).find("more\n  r1: rollback incomplete: 1 conflicts, the first: /r/x: something stands there\n"), std::string::npos)
      << status_text({run}, kNow, kStyle);
}

TEST(StatusText, AnUnfinishedRunComesWithTheCommandsThatHelp) {
  EXPECT_EQ(status_text(sample_status(), kNow, kStyle),
            R"golden(running    r4  began 2024-10-04T00:00:00Z, is executing now
unfinished r3  began 2024-10-04T00:00:00Z, its process ended while it was executing
    freshet rollback r3   put everything back
    freshet verify r3     look at what was done

In the quarantine: 20 entries, 200 B
  r3  2024-10-04T00:00:00Z  10 entries  100 B  kept for 3 d more
  r1  2024-10-04T00:00:00Z  10 entries  100 B  its time is over: the next run purges it
Take one back with `freshet rollback RUN`; free it with `freshet purge RUN`.
)golden");
}

TEST(StatusText, NothingIsSaidToBeNothing) {
  EXPECT_EQ(status_text({}, kNow, kStyle),
            R"golden(No run is under way, and none is unfinished.
Nothing waits in the quarantine.
)golden");
}

TEST(RollbackText, AConflictIsNamedAndNothingIsOverwritten) {
  EXPECT_EQ(rollback_text("r1", {std::nullopt, false, 3, {{"/a\xff", "something stands there"}}}, kStyle),
            R"golden(Run r1 is not wholly rolled back: 3 units put back, 1 could not be.
    /a\xff: something stands there
Nothing was overwritten; these stay in the quarantine. Clear the way, then run the same command again.
)golden");
}

TEST(RollbackText, AWholeRollbackIsOneLine) {
  EXPECT_EQ(rollback_text("r1", {std::nullopt, true, 3, {}}, kStyle),
            R"golden(Run r1 is rolled back: 3 units put back.
)golden");
}

TEST(PurgeText, EveryPurgedRunIsNamedAndWhatIsLeft) {
  EXPECT_EQ(purge_text({std::nullopt, {{"r1", 5, 10, ""}, {"r2", 1, 5, "over max 1B"}}, 2}, kStyle),
            R"golden(Purged run r1: 5 entries, 10 B freed
Purged run r2: 1 entry, 5 B freed (over max 1B)
Freed 15 B in all.
2 entries could not be unlinked and wait in the quarantine.
)golden");
}

TEST(VerifyText, ADifferenceIsNamed) {
  CompletionStatus good;
  good.complete = true;
  good.units_checked = 3;
  good.units_in_place = 2;
  good.units_refused = 1;
  CompletionStatus bad;
  bad.units_checked = 1;
  bad.wrong = {{"/x", "missing in its slot"}};
  EXPECT_EQ(verify_text("r1", {{"a", good}, {"b", bad}}, kStyle),
            R"golden(a  as recorded
  units        3 checked, 2 in place, 1 refused by name, 0 changed by others
b  not as recorded
  units        1 checked, 0 in place, 0 refused by name, 0 changed by others
    /x: missing in its slot
Run r1: the world is not as the history says
)golden");
}

TEST(PluginsText, AnUnusablePluginSaysWhyBelowTheTable) {
  EXPECT_EQ(plugins_text({sample_plugin(), broken_plugin()}, kStyle),
            R"golden(PLUGIN  VERSION  STATE    TASK KINDS  USED BY  FILE
org.x   1.0      enabled  expired     web      /p/x.so
unusable  /p/y.so
  F2004 has no manifest
)golden");
}

TEST(PluginText, SettingsShowTypeDefaultRangeAndValues) {
  EXPECT_EQ(plugin_text(sample_plugin(), kStyle),
            R"golden(org.x  1.0
  Removes things
  file         /p/x.so
  sha256       abcd
  signature    none
  license      MIT
  abi          1.0 <= abi < 2.0
  stripped     no
  requires     remove
  used by      web

  task kind expired
    Old files
      older-than  duration, required, 0s to 100y
          How old
      age-by  list of strings, default mtime, one of mtime | atime
          Which stamps
)golden");
}

TEST(DoctorText, WhatIsMissingSaysWhatIsLost) {
  EXPECT_EQ(doctor_text(sample_doctor(), kStyle),
            R"golden(MECHANISM      HERE  STRICT  SEEN
seccomp        yes   needed  user notification works
pid namespace  no    needed  EPERM
mdwe           no    -       before Linux 6.3
net namespace  no    -       EPERM

What is lost here
  without pid namespace: a worker sees other processes
  without net namespace: a worker sees the network
    needs root
  without mdwe: one layer less

Seen on the way
  mount namespace: EPERM

`isolation = "strict"` refuses to run on this host; `isolation = "best-effort"` runs and names what is missing in every report.
)golden");
}

TEST(ErrorText, TheDetailIsIndentedAndNoTextMovesTheCursor) {
  EXPECT_EQ(error_text({ErrorKind::invalid, "F1", "what \x1b[2J", "detail\nmore"}, kStyle),
            R"golden(error: what \x1b[2J [F1]
  detail
  more
)golden");
}

TEST(PlanText, ATaskThatUnlinksIsCountedAsFreedAtOnce) {
  PlanSummary plan = sample_plan();
  plan.tasks[0].quarantine = "none (cannot be taken back)";
  EXPECT_NE(plan_text(plan, kStyle, false).find("Freed at once   1000 B\nFreed at purge     0 B\n"),
            std::string::npos)
      << plan_text(plan, kStyle, false);
}

TEST(PlanText, TheRootDirectoryItselfNamesItsFoldersByTheirNames) {
  PlanSummary plan = sample_plan();
  plan.tasks[0].roots[0].path = "/";
  plan.tasks[0].roots[0].largest = {{"/srv", 1, 1}};
  EXPECT_NE(plan_text(plan, kStyle, false).find("  srv\n"), std::string::npos);
}

TEST(PlanText, NoTextOfAPluginMovesTheCursor) {
  PlanSummary plan = sample_plan();
  for (PlannedTask& task : plan.tasks) {
    task.note = task.name = task.plugin = task.channel = task.quarantine = "\x1b[2J";
    task.permissions = task.missing_layers = {"\x1b[2J"};
    task.kept = {{"\x1b[2J", 1}};
    task.violations = {{"F1", "\x1b[2J", "\x1b[2J", "\x1b[2J"}};
  }
  EXPECT_EQ(plan_text(plan, kStyle, true).find('\x1b'), std::string::npos);
}

TEST(PlanText, ColourAddsNothingButColour) {
  std::string coloured = plan_text(sample_plan(), {.colour = true, .unicode = true, .width = 80}, false);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
  for (std::size_t at; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, plan_text(sample_plan(), kStyle, false));
}

TEST(PlanText, ARefusalsNoteIsNotSaidTwice) {
  PlanSummary plan = sample_plan();
  plan.tasks[1].note = plan.tasks[1].violations[0].what;
  const std::string text = plan_text(plan, kStyle, false);
  const std::size_t first = text.find("a protected place");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("a protected place", first + 1), std::string::npos) << text;
}

TEST(PlanText, WhereNobodyLookedThereAreNoFigures) {
  PlanSummary plan = sample_plan();
  plan.tasks[1].roots = {{.path = "/etc", .largest = {}}};
  EXPECT_EQ(plan_text(plan, kStyle, false).find("0 of 0"), std::string::npos);
  plan.tasks[1].state = TaskState::admitted;
  EXPECT_NE(plan_text(plan, kStyle, false).find("  /etc\n    0 of 0 entries\n"), std::string::npos)
      << "an empty root is one that was looked at";
}

TEST(PlanText, WithoutATaskItSaysSo) {
  EXPECT_EQ(plan_text({}, kStyle, false).find("No task is enabled.\n"), 0U);
  EXPECT_EQ(plan_text(sample_plan(), kStyle, false).find("No task"), std::string::npos);
}

TEST(PlanText, OneTaskWithOneRootNeedsNoOverview) {
  PlanSummary plan = sample_plan();
  plan.tasks.pop_back();
  EXPECT_EQ(plan_text(plan, kStyle, false).find("ENTRIES"), std::string::npos);
}

TEST(PlanText, EntriesAreComparedWhereNothingTakesSpace) {
  PlanSummary plan = sample_plan();
  for (PlannedDirectory& directory : plan.tasks[0].roots[0].largest) directory.bytes = 0;
  EXPECT_NE(plan_text(plan, kStyle, false).find("    ████████████████████████     0 B  1,000 entries  images"),
            std::string::npos)
      << plan_text(plan, kStyle, false);
}

CheckReport checked(std::vector<BoundaryViolation> violations) {
  CheckReport report;
  CheckedTask task;
  task.name = "web";
  task.security.violations = std::move(violations);
  report.tasks.push_back(std::move(task));
  report.tasks.emplace_back().name = "other";
  return report;
}

TEST(CheckText, WhatIsSoundStandsInOneTable) {
  EXPECT_EQ(check_text(checked({}), kStyle), "task  web    sound\ntask  other  sound\nAll sound.\n");
}

TEST(CheckText, WithoutAnEnabledTaskItSaysSo) {
  CheckReport report = checked({});
  for (CheckedTask& task : report.tasks) task.enabled = false;
  EXPECT_EQ(check_text(report, kStyle), "task  web    disabled\ntask  other  disabled\nAll sound.\nNo task is enabled: a run removes nothing.\n");
}

CheckReport with_excerpt(const std::string& line, std::size_t before) {
  CheckReport report;
  report.diagnostics.push_back({{.file = "f.toml", .line = 3, .column = 1, .text = {}}, "unknown key", "  3 | " + line + "\n    | " + std::string(before, ' ') + "^", "did you mean `x`?"});
  return report;
}

TEST(CheckText, ACaretStandsBelowItsCharacterOnEveryTerminal) {
  const CheckReport wide = with_excerpt("\"日本\", ä = 1", 6);
  EXPECT_EQ(check_text(wide, kStyle), R"golden(f.toml:3:1: error: unknown key
  3 | "日本", ä = 1
    |         ^
  = help: did you mean `x`?
The configuration has errors.
)golden");
  EXPECT_EQ(check_text(wide, {.colour = false, .unicode = false, .width = 80}), R"golden(f.toml:3:1: error: unknown key
  3 | "??", ? = 1
    |       ^
  = help: did you mean `x`?
The configuration has errors.
)golden");
  EXPECT_NE(check_text(wide, {.colour = true, .unicode = true, .width = 80}).find("\x1b[31m^\x1b[0m"), std::string::npos);
}

TEST(CheckText, ALongLineIsCutAroundItsCaret) {
  const std::string line = std::string(60, 'a') + "!" + std::string(39, 'b');
  EXPECT_NE(check_text(with_excerpt(line, 60), {.colour = false, .unicode = true, .width = 40}).find("\n  3 | …aaaaaaaaaaaaaaaaaaaaa!bbbbbbbbbb…\n    |                       ^\n"),
            std::string::npos)
      << check_text(with_excerpt(line, 60), {.colour = false, .unicode = true, .width = 40});
  for (std::size_t at = 0; at <= line.size(); ++at) {
    const std::string text = check_text(with_excerpt(line, at), {.colour = false, .unicode = false, .width = 40});
    const std::size_t from = text.find("\n  3 | ") + 1;
    const std::size_t below = text.find('\n', from) + 1;
    EXPECT_LE(below - 1 - from, 40U) << text;
    const std::size_t column = text.find('^', below) - below;
    if (at < line.size()) {
      EXPECT_EQ(text[from + column], line[at]) << at << "\n" << text;
    }
  }
}

TEST(CheckText, ASettingThatDoesNotFitIsAnErrorAndNoBoundary) {
  const CheckReport report = checked({{"F2012", "unknown setting", "did you mean `x`?", "f:1:2", "  1 | ab\n    |  ^"}});
  EXPECT_EQ(check_text(report, kStyle), R"golden(task  other  sound
task  web  error
  F2012 unknown setting
        at f:1:2
        1 | ab
          |  ^
        help: did you mean `x`?
The configuration has errors.
)golden");
  EXPECT_FALSE(has_violations(report));
  EXPECT_EQ(check_json(report)["ok"], false);
}

TEST(CheckText, ABoundaryIsARefusal) {
  EXPECT_EQ(check_text(checked({{"F1011", "protected", "", ""}}), kStyle),
            "task  other  sound\ntask  web  refused\n  F1011 protected\n"
            "Refused by a boundary. `freshet explain CODE` says more.\n");
}

TEST(HistoryText, AnEmptyHistoryIsSaidToBeEmpty) {
  EXPECT_EQ(history_text({}, kStyle), "No run yet.\n");
}

TEST(PastRuns, OnlyARunWithoutALiveProcessIsUnfinished) {
  for (const RunState state :
       {RunState::planning, RunState::executing, RunState::rolling_back, RunState::purging}) {
    RunSummary run = sample_past_run("r", state);
    EXPECT_TRUE(is_unfinished(run));
    run.alive = true;
    EXPECT_FALSE(is_unfinished(run));
  }
  EXPECT_FALSE(is_unfinished(sample_past_run("r", RunState::interrupted)));
}

TEST(PastRuns, WhatWasPurgedOrTakenBackWaitsNowhere) {
  EXPECT_TRUE(waits_in_quarantine(sample_past_run("r", RunState::done)));
  EXPECT_FALSE(waits_in_quarantine(sample_past_run("r", RunState::purged)));
  EXPECT_FALSE(waits_in_quarantine(sample_past_run("r", RunState::rolled_back)));
  RunSummary empty_files = sample_past_run("r", RunState::done);
  empty_files.bytes_reclaimable_at_purge = 0;
  EXPECT_TRUE(waits_in_quarantine(empty_files)) << "entries without bytes wait too";
}

}  // namespace
}  // namespace freshet::report
