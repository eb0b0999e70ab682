#include "runtime/report/json.h"

#include <gtest/gtest.h>

#include "tests/unit/report/samples.h"

namespace freshet::report {
namespace {

Json parsed(const Json& object) {
  return Json::parse(line_of(object));
}

TEST(Json, NamesThatAreNotUtf8KeepTheirBytes) {
  Json object;
  put_bytes(object, "path", "/a\xff\\b");
  EXPECT_EQ(object["path"], "/a\\xff\\\\b");
  EXPECT_EQ(object["path_bytes"], "L2H/XGI=");
  put_bytes(object, "name", "plain\\ grün\n");
  EXPECT_EQ(object["name"], "plain\\ grün\n") << "UTF-8 is not escaped";
  EXPECT_FALSE(object.contains("name_bytes"));
}

TEST(Json, Base64PadsEveryLength) {
  for (const auto& [bytes, want] :
       {std::pair{"\xff", "/w=="}, {"\xff\xfe", "//4="}, {"\xff\xfe\xfd", "//79"}}) {
    Json object;
    put_bytes(object, "x", bytes);
    EXPECT_EQ(object["x_bytes"], want);
  }
}

TEST(Json, EveryObjectIsOneLineEvenWithHostileText) {
  RunResult run = sample_run();
  run.tasks[1].note = "line\nbreak \xff \x1b[2J";
  run.tasks[0].refusal_counts["odd \xfe"] = 3;
  for (const Json& object : {run_json(run), plan_json(sample_plan())}) {
    const std::string line = line_of(object);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(parsed(object), object);
  }
}

TEST(Json, WhatATerminalWouldObeyIsEscaped) {
  const Json object = {{"x", "\xc2\x9b" "2J \x7f \xe2\x80\xae \xe2\x81\xa6 grün €"}};
  EXPECT_EQ(line_of(object), "{\"x\":\"\\u009b2J \\u007f \\u202e \\u2066 grün €\"}\n");
  EXPECT_EQ(parsed(object), object);
}

TEST(Json, ARunHasWhatScriptsNeed) {
  const Json object = parsed(run_json(sample_run()));
  EXPECT_EQ(object["run_id"], "r1");
  EXPECT_EQ(object["status"], "partly");
  EXPECT_EQ(object["entries_removed"], 1198);
  EXPECT_EQ(object["bytes_reclaimed_now"], 0);
  EXPECT_EQ(object["bytes_reclaimable_at_purge"], 990);
  const Json& task = object["tasks"][0];
  EXPECT_EQ(task["name"], "expired-web-cache");
  EXPECT_EQ(task["status"], "committed");
  EXPECT_EQ(task["entries_found"], 1200);
  EXPECT_EQ(task["entries_refused"], 2);
  EXPECT_EQ(task["refusals"][0]["reason"], "changed since the plan");
  EXPECT_EQ(task["refusals"][0]["path"], "/var/cache/web/a\\xff");
  EXPECT_EQ(object["tasks"][1]["ended"], "signal");
  EXPECT_TRUE(object["tasks"][1]["violations"].empty());
  EXPECT_EQ(object["purged"][0]["bytes"], 77);
}

TEST(Json, AFindingHasTaskPathTypeSizeAndReason) {
  const PlannedEntry entry{.task = "t",
                           .root = "/r",
                           .path = "/r/a",
                           .type = "file",
                           .size = 5,
                           .allocated = 4096,
                           .mtime_ns = 7,
                           .reason = "old",
                           .kind = "aged",
                           .cost = "unique"};
  EXPECT_EQ(
      line_of(finding_json(entry)),
      R"({"object":"finding","task":"t","path":"/r/a","type":"file","size":5,"allocated":4096,"mtime_ns":7,)"
      R"("reason":"old","kind":"aged","cost":"unique","root":"/r"})"
      "\n");
}

TEST(Json, APlanEndsWithItsFiguresPerTaskAndRoot) {
  const Json object = parsed(plan_json(sample_plan()));
  EXPECT_EQ(object["object"], "summary");
  EXPECT_EQ(object["admitted"], false);
  EXPECT_EQ(object["tasks"][0]["roots"][0]["largest"][0]["path"], "/var/cache/web/images");
  EXPECT_EQ(object["tasks"][0]["kept"]["in use"], 12);
  EXPECT_EQ(object["tasks"][1]["violations"][0]["code"], "F1011");
}

TEST(Json, ARunThatNeverEndedHasNoEnd) {
  RunSummary run = sample_past_run("r1", RunState::executing);
  run.ended_ns = 0;
  const Json object = parsed(past_run_json(run));
  EXPECT_TRUE(object["ended"].is_null());
  EXPECT_EQ(object["unfinished"], true);
  EXPECT_EQ(object["started"], "2024-10-04T00:00:00Z");
}

TEST(Json, AnUnusablePluginSaysWhy) {
  PluginFacts plugin;
  plugin.file = "/p/x.so";
  plugin.error = Error{ErrorKind::invalid, "F2004", "no manifest", ""};
  const Json object = parsed(plugin_json(plugin));
  EXPECT_EQ(object["usable"], false);
  EXPECT_EQ(object["error"]["code"], "F2004");
  EXPECT_FALSE(object.contains("id"));
}

TEST(Json, StrictHoldsOnlyWithAllThatItNeeds) {
  std::vector<DoctorRow> rows = {{"seccomp", true, true, "yes", ""}, {"mdwe", false, false, "no", "x"}};
  EXPECT_EQ(doctor_json(rows)["strict"], true);
  rows[0].available = false;
  EXPECT_EQ(doctor_json(rows)["strict"], false);
}

}  // namespace
}  // namespace freshet::report
