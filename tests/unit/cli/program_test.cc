#include "runtime/cli/program.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/cli/captured.h"
#include "tests/unit/cli/terminal.h"

namespace freshet::cli {
namespace {

using nlohmann::json;
using Calls = std::vector<std::string>;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<json> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

PlannedTask planned_task(const char* name, TaskState state, std::uint64_t entries) {
  PlannedTask task;
  task.name = name;
  task.state = state;
  task.entries = entries;
  task.quarantine = "keep 7d";
  return task;
}

// Three entries planned, and a run that removes them.
void script_three(FakeManager::Script& script) {
  script.tasks = {{"a", {1, 1, 0}, true, false}, {"b", {1, 2, 0}, false, false}};
  script.plan = {.id = "p1",
                 .made_ns = 1,
                 .tasks = {planned_task("a", TaskState::admitted, 3)},
                 .entries = 3,
                 .bytes = 30,
                 .admitted = true};
  for (const char* path : {"/r/1", "/r/2", "/r/3"}) {
    script.entries.push_back({.task = "a",
                              .root = "/r",
                              .path = path,
                              .type = "file",
                              .size = 10,
                              .allocated = 10,
                              .mtime_ns = 0,
                              .reason = "old",
                              .kind = "aged",
                              .cost = "unique"});
  }
  script.result.run_id = "r1";
  script.result.entries_removed = 3;
  script.result.bytes_reclaimable_at_purge = 30;
  script.result.tasks.emplace_back().task = "a";
  script.result.tasks[0].entries_removed = 3;
}

TEST(Program, PlanShowsForgetsAndChangesNothing) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan"}), 0);
  EXPECT_TRUE(has(program.out, "Nothing was changed")) << program.out;
  EXPECT_EQ(program.script.calls, (Calls{"plan 0", "discard p1"}));
  EXPECT_EQ(program.run({"plan", "--detailed-exitcode"}), 2);
  program.script.plan.entries = 0;
  EXPECT_EQ(program.run({"plan", "--detailed-exitcode"}), 0);
}

TEST(Program, AQuietPlanSaysWhatWillNotRun) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan", "--quiet"}), 0);
  EXPECT_EQ(program.out + program.err, "");
  program.script.plan.tasks.push_back(planned_task("b", TaskState::refused, 0));
  program.script.plan.tasks[1].violations = {{"F1011", "protected", "", ""}};
  EXPECT_EQ(program.run({"plan", "--quiet"}), 3);
  EXPECT_EQ(program.out, "");
  EXPECT_TRUE(has(program.err, "F1011")) << program.err;
}

TEST(Program, HistoryNeedsANumberOfRuns) {
  Captured program;
  for (const char* many : {"0", "-3", "x", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(program.run({"history", "--limit", many}), 64) << many;
    EXPECT_TRUE(has(program.err, "option `--limit` needs a ")) << program.err;
  }
  EXPECT_EQ(program.run({"history", "-n", "9999999999"}), 0);
}

TEST(Program, PlanFullListsEveryEntryWithItsReason) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan", "--full", "a"}), 0);
  EXPECT_TRUE(has(program.out, "/r/2  (old)")) << program.out;
  EXPECT_EQ(program.script.calls[0], "plan 1");
}

TEST(Program, PlanJsonIsAnObjectAFindingThenTheSummary) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan", "--json"}), 0);
  const auto lines = lines_of(program.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1]["path"], "/r/2");
  EXPECT_EQ(lines[3]["object"], "summary");
  EXPECT_EQ(lines[3]["entries"], 3);
}

TEST(Program, PlanOutSavesAndSaysHowToApplyIt) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan", "--out", "f.plan"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"plan 0", "save f.plan", "discard p1"}));
  EXPECT_TRUE(has(program.out, "freshet run --plan f.plan"));
}

TEST(Program, AReaderThatWentAwayDoesNotChangeTheAnswer) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  Captured program;
  script_three(program.script);
  program.out_fd = ends[1];
  EXPECT_EQ(program.run({"plan", "--json"}), 0);
  EXPECT_EQ(program.run({"run", "--yes"}), 0);
  EXPECT_EQ(program.script.calls.back(), "apply p1");
  EXPECT_EQ(program.err, "");
  ::close(ends[1]);
}

TEST(Program, ThePlanIsShownBeforeAnythingIsRemoved) {
  Captured program;
  script_three(program.script);
  program.out_fd = ::memfd_create("out", 0);
  off_t shown = 0;
  program.script.on_apply = [&] { shown = ::lseek(program.out_fd, 0, SEEK_END); };
  EXPECT_EQ(program.run({"run", "--yes"}), 0);
  EXPECT_GT(shown, 0);
  ::close(program.out_fd);
}

TEST(Program, AWrongCommandLineIsAnObjectForWhoeverReadsJson) {
  Captured program;
  EXPECT_EQ(program.run({"plan", "--json", "--no-such-option"}), 64);
  const auto lines = lines_of(program.out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["object"], "error");
  EXPECT_TRUE(has(program.err, "--no-such-option"));
  EXPECT_EQ(program.run({"plan", "--no-such-option"}), 64);
  EXPECT_EQ(program.out, "");
}

TEST(Program, SettingsThatDoNotFitAreShownWithTheOtherErrors) {
  Captured program;
  program.config_text = "x = 1\n" + program.config_text;
  program.script.tasks = {{"a", {1, 1, 0}, true, false}};
  program.script.security[1].violations = {{"F2012", "unknown setting", "", ""}, {"F1011", "protected", "", ""}};
  for (const char* command : {"check", "plan"}) {
    EXPECT_EQ(program.run({command}), 1);
    EXPECT_TRUE(has(program.err, "unknown key `x`")) << program.err;
    EXPECT_TRUE(has(program.err, "F2012")) << program.err;
    EXPECT_FALSE(has(program.err, "F1011")) << "of the grants nothing was read";
  }
  EXPECT_TRUE(program.script.calls.empty());
}

TEST(Program, RunNeedsYesWhereNobodyCanBeAsked) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"run"}), 64);
  EXPECT_TRUE(has(program.err, "--yes")) << program.err;
  EXPECT_TRUE(program.script.calls.empty());
}

TEST(Program, RunPlansShowsAppliesAndOffersTheRollback) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"run", "--yes", "--wait"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"plan 0", "apply, waiting p1"}));
  EXPECT_TRUE(has(program.out, "freshet rollback r1")) << program.out;
}

TEST(Program, ARunThatUnlinksOffersNoRollback) {
  Captured program;
  script_three(program.script);
  program.script.plan.tasks[0].quarantine = "none (cannot be taken back)";
  EXPECT_EQ(program.run({"run", "--yes"}), 0);
  EXPECT_FALSE(has(program.out, "freshet rollback")) << program.out;
}

TEST(Program, RunAsksOnATerminalAndNoMeansNothingIsDone) {
  for (const auto& [answer, last] : {std::pair{"y\n", "apply p1"}, {"n\n", "discard p1"}}) {
    const Terminal terminal;
    Captured program;
    script_three(program.script);
    program.in_fd = program.err_fd = terminal.program();
    terminal.type(answer);
    EXPECT_EQ(program.run({"run"}), 0);
    EXPECT_EQ(program.script.calls.back(), last) << answer;
    EXPECT_TRUE(has(terminal.seen(), "Remove 3 entries (30 B on disk)? [y/N]"));
  }
}

TEST(Program, RunWithNothingToRemoveDoesNotAskAndStillApplies) {
  const Terminal terminal;
  Captured program;
  program.in_fd = program.err_fd = terminal.program();
  EXPECT_EQ(program.run({"run"}), 0);
  EXPECT_EQ(program.script.calls.back(), "apply p1") << "earlier runs are purged at its end";
}

TEST(Program, RunOfASavedPlanTakesNoTaskNames) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"run", "--plan", "f", "a", "--yes"}), 64);
  EXPECT_EQ(program.run({"run", "--plan", "f", "--yes"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"load f", "apply p2"}));
}

TEST(Program, RunAnswersTheStateOfTheRun) {
  for (const auto& [state, code] : {std::pair{RunState::partly, 3},
                                    {RunState::failed, 1},
                                    {RunState::refused, 4},
                                    {RunState::interrupted, 130}}) {
    Captured program;
    script_three(program.script);
    program.script.result.state = state;
    EXPECT_EQ(program.run({"run", "--yes"}), code);
    EXPECT_EQ(program.run({"run", "--yes", "--quiet"}), code);
    EXPECT_EQ(program.out, "");
    EXPECT_TRUE(has(program.err, "r1")) << "even --quiet says what went wrong";
  }
}

TEST(Program, RunJsonIsOneObjectAtTheEnd) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"run", "--yes", "--json"}), 0);
  const auto lines = lines_of(program.out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["run_id"], "r1");
  EXPECT_EQ(lines[0]["entries_removed"], 3);
}

TEST(Program, ABusyRunNamesTheOther) {
  Captured program;
  script_three(program.script);
  program.script.result = {};
  program.script.result.state = RunState::failed;
  program.script.result.error =
      Error{ErrorKind::busy, "", "run r0 is working on /r", "Wait for it with --wait."};
  EXPECT_EQ(program.run({"run", "--yes"}), 1);
  EXPECT_TRUE(has(program.err, "r0"));
  EXPECT_EQ(program.run({"run", "--yes", "--json"}), 1);
  EXPECT_EQ(lines_of(program.out).back()["error"]["kind"], "busy");
}

TEST(Program, AnInterruptDuringThePlanIsNoRun) {
  Captured program;
  script_three(program.script);
  program.stop.request_stop();
  EXPECT_EQ(program.run({"run", "--yes"}), 130);
  EXPECT_EQ(program.script.calls, (Calls{"plan 0", "discard p1"}));
  EXPECT_EQ(program.run({"run", "--yes", "--json"}), 130);
  EXPECT_EQ(lines_of(program.out).back()["status"], "interrupted");
  EXPECT_EQ(lines_of(program.out).back()["run_id"], "");
}

TEST(Program, AnInterruptedPlanIsNotSaved) {
  Captured program;
  script_three(program.script);
  program.stop.request_stop();
  EXPECT_EQ(program.run({"plan", "--out", "f.plan"}), 130);
  EXPECT_EQ(program.script.calls, (Calls{"plan 0", "discard p1"}));
}

TEST(Program, UnknownAndDisabledTasksAreNamed) {
  Captured program;
  script_three(program.script);
  EXPECT_EQ(program.run({"plan", "nothing"}), 64);
  EXPECT_TRUE(has(program.err, "`nothing`")) << program.err;
  EXPECT_EQ(program.run({"plan", "b"}), 1);
  EXPECT_TRUE(has(program.err, "disabled")) << program.err;
  EXPECT_TRUE(program.script.calls.empty());
}

TEST(Program, AConfigurationWithErrorsShowsThemAllAndEndsWithOne) {
  Captured program;
  program.config_text = "[task.a]\nplugn = \"x\"\n[chanel.b]\n";
  EXPECT_EQ(program.run({"plan"}), 1);
  EXPECT_TRUE(has(program.err, "plugn")) << program.err;
  EXPECT_TRUE(has(program.err, "chanel")) << program.err;
  EXPECT_TRUE(program.script.calls.empty()) << "nothing is planned";
  EXPECT_EQ(program.run({"plan", "--json"}), 1);
  EXPECT_GE(lines_of(program.out).back()["diagnostics"].size(), 2U);
}

TEST(Program, AMissingConfigurationIsNamed) {
  Captured program;
  EXPECT_EQ(program.run_bare({"plan", "--config", "/nowhere/x.toml", "--state-dir", program.dir()}), 1);
  EXPECT_TRUE(has(program.err, "/nowhere/x.toml")) << program.err;
}

TEST(Program, CommandsAboutThePastNeedNoConfiguration) {
  Captured program;
  program.script.rollback.complete = true;
  program.config_text = "nonsense = [";
  EXPECT_EQ(program.run({"rollback", "latest"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"rollback r-newest"}));
  EXPECT_EQ(program.seen_tasks, 0U);
  EXPECT_TRUE(has(program.err, "not used")) << program.err;
}

TEST(Program, ARollbackWithConflictsIsPartlyDoneAndNamesThem) {
  Captured program;
  program.script.rollback.entries = 2;
  program.script.rollback.conflicts = {{"/r/x", "something stands there"}};
  EXPECT_EQ(program.run({"rollback", "r1"}), 3);
  EXPECT_TRUE(has(program.err, "/r/x")) << program.err;
  program.script.rollback.entries = 0;
  EXPECT_EQ(program.run({"rollback", "r1", "--json"}), 1);
  EXPECT_EQ(lines_of(program.out)[0]["conflicts"][0]["path"], "/r/x");
  EXPECT_EQ(program.run({"rollback", "unknown"}), 1);
}

TEST(Program, PurgeNeedsARunOrExpired) {
  Captured program;
  EXPECT_EQ(program.run({"purge"}), 64);
  EXPECT_EQ(program.run({"purge", "r1", "--expired"}), 64);
  EXPECT_EQ(program.run({"purge", "r1"}), 0);
  EXPECT_EQ(program.run({"purge", "--expired"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"purge r1", "purge expired"}));
  program.script.purge.left = 1;
  EXPECT_EQ(program.run({"purge", "r1"}), 3);
}

TEST(Program, VerifyLooksOnlyAtTasksThatLeftSomething) {
  Captured program;
  RunSummary past;
  past.tasks.resize(3);
  past.tasks[0].state = TaskState::committed;
  past.tasks[1].state = TaskState::refused;
  past.tasks[2].state = TaskState::failed;
  program.script.past = {past};
  program.script.completion.complete = true;
  EXPECT_EQ(program.run({"verify", "r1"}), 0);
  EXPECT_EQ(program.script.calls, (Calls{"verify 1"}));
  program.script.completion = {};
  EXPECT_EQ(program.run({"verify", "r1", "--quiet"}), 1);
  EXPECT_TRUE(has(program.err, "not as the history says")) << program.err;
}

TEST(Program, StatusLeavesOutRunsThatNeedNothing) {
  Captured program;
  RunSummary finished, crashed;
  finished.id = "r-finished";
  crashed.id = "r-crashed";
  crashed.state = RunState::executing;
  program.script.past = {finished, crashed};
  EXPECT_EQ(program.run({"status", "--json"}), 0);
  const auto lines = lines_of(program.out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["run_id"], "r-crashed");
  EXPECT_EQ(program.run({"status"}), 0);
  EXPECT_TRUE(has(program.out, "freshet rollback r-crashed")) << program.out;
  EXPECT_EQ(program.run({"history"}), 0);
  EXPECT_TRUE(has(program.out, "r-finished"));
}

TEST(Program, CheckTriesRenamesOnlyWhenAllElseIsSound) {
  Captured program;
  program.script.tasks = {{"a", {1, 1, 0}, true, false}};
  EXPECT_EQ(program.run({"check"}), 0);
  EXPECT_EQ(program.script.calls, Calls{"trial"});
  EXPECT_TRUE(has(program.out, "All sound")) << program.out;

  program.script.calls.clear();
  program.script.security[1].violations = {{"F1011", "root /etc is protected", "", ""}};
  EXPECT_EQ(program.run({"check"}), 4);
  EXPECT_TRUE(has(program.err, "F1011")) << program.err;
  EXPECT_TRUE(program.script.calls.empty());

  program.script.dependencies[1].cycle = {"a", "b", "a"};
  EXPECT_EQ(program.run({"check"}), 1);
  EXPECT_TRUE(has(program.err, "a -> b -> a")) << program.err;
}

TEST(Program, CheckJsonHoldsEverything) {
  Captured program;
  program.script.tasks = {{"a", {1, 1, 0}, true, false}};
  program.script.trial = {{"F1040", "no rename across", "", ""}};
  EXPECT_EQ(program.run({"check", "--json"}), 4);
  const json object = lines_of(program.out).back();
  EXPECT_EQ(object["ok"], false);
  EXPECT_EQ(object["trial"][0]["code"], "F1040");
  program.config_text = "x = 1\n";
  EXPECT_EQ(program.run({"check", "--json"}), 1);
  EXPECT_EQ(lines_of(program.out).back()["diagnostics"][0]["line"], 1);
}

TEST(Program, PluginsAreFoundByIdOrFile) {
  Captured program;
  PluginFacts plugin;
  plugin.id = "org.example.a";
  plugin.file = "/p/a.so";
  program.script.plugins = {plugin};
  EXPECT_EQ(program.run({"plugins", "list"}), 0);
  EXPECT_TRUE(has(program.out, "/p/a.so"));
  EXPECT_EQ(program.run({"plugins", "inspect", "org.example.a"}), 0);
  EXPECT_EQ(program.run({"plugins", "inspect", "./b.so"}), 0);
  EXPECT_TRUE(has(program.out, "./b.so"));
  EXPECT_EQ(program.run({"plugins", "inspect", "org.exmaple.a"}), 1);
  EXPECT_TRUE(has(program.err, "`org.example.a`")) << program.err;
  EXPECT_EQ(program.run({"plugins", "lst"}), 64);
  EXPECT_EQ(program.run({"plugins", "inspect"}), 64);
  program.script.plugins[0].error = Error{ErrorKind::invalid, "F2004", "has no manifest", ""};
  EXPECT_EQ(program.run({"plugins", "inspect", "./b.so"}), 1);
  EXPECT_TRUE(has(program.err, "F2004")) << program.err;
}

TEST(Program, DoctorNeedsNoManager) {
  Captured program;
  program.host = {{"seccomp", false, true, "ENOSYS", "calls are not filtered"}};
  EXPECT_EQ(program.run({"doctor"}), 0);
  EXPECT_TRUE(has(program.out, "calls are not filtered"));
  EXPECT_FALSE(program.seen_options);
}

TEST(Program, ExplainHasAPageForACode) {
  Captured program;
  EXPECT_EQ(program.run({"explain", "F1011"}), 0);
  EXPECT_TRUE(has(program.out, "F1011")) << program.out;
  EXPECT_EQ(program.run({"explain", "f1011", "--json"}), 0);
  EXPECT_EQ(lines_of(program.out)[0]["code"], "F1011");
  EXPECT_EQ(program.run({"explain", "F9999"}), 64);
  EXPECT_TRUE(has(program.err, "F9999"));
}

TEST(Program, StateAndPluginDirectoriesReachTheManagerAsAbsolutePaths) {
  Captured program;
  const std::string real = std::filesystem::canonical(program.dir()).string();
  EXPECT_EQ(program.run({"history", "--plugin-dir", program.dir() + "/."}), 0);
  ASSERT_TRUE(program.seen_options);
  EXPECT_EQ(program.seen_options->state_dir, program.dir() + "/state");
  ASSERT_FALSE(program.seen_options->plugin_dirs.empty());
  EXPECT_EQ(program.seen_options->plugin_dirs[0], real);
  EXPECT_EQ(program.run({"history", "--plugin-dir", "/nowhere"}), 1);
  EXPECT_TRUE(has(program.err, "/nowhere")) << program.err;
}

TEST(Program, AManagerThatCannotBeMadeIsOneLine) {
  Captured program;
  program.no_manager = Error{ErrorKind::system, "", "making /x: Read-only file system", ""};
  EXPECT_EQ(program.run({"plan"}), 1);
  EXPECT_EQ(program.err, "error: making /x: Read-only file system\n");
}

TEST(Program, UsageErrorsPointToTheHelp) {
  Captured program;
  EXPECT_EQ(program.run_bare({"rnu"}), 64);
  EXPECT_TRUE(has(program.err, "`run`")) << program.err;
  EXPECT_TRUE(has(program.err, "freshet help"));
  EXPECT_EQ(program.run_bare({}), 64);
  EXPECT_EQ(program.run_bare({"help"}), 0);
  EXPECT_TRUE(has(program.out, "Exit codes"));
  EXPECT_EQ(program.run_bare({"version"}), 0);
  EXPECT_TRUE(has(program.out, "freshet "));
}

}  // namespace
}  // namespace freshet::cli
