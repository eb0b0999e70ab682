// A live role seen by its manager: waiting, stopping, sending, and the ways it ends that are nobody's attack.
#include "runtime/channel/role_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "../place_of_groups.h"
#include "live_worker.h"
#include "runtime/base/proc_file.h"
#include "runtime/channel/end_reason.h"
#include "runtime/channel/role_executable.h"

namespace freshet::channel::testing {
namespace {

class LiveWorker : public ::testing::Test {
 protected:
  void start(const std::string& plugin, WorkerOptions options = {}) {
    if (!root_) root_.emplace(open_root(tree_.path()));
    auto bytes = read_plugin_file(plugin_path(plugin));
    ASSERT_TRUE(bytes.has_value());
    plugin_ = std::move(*bytes);
    auto worker = start_worker(plugin_, {&*root_}, options);
    ASSERT_TRUE(worker.has_value()) << worker.error().what << worker.error().detail;
    worker_ = std::move(*worker);
  }
  // Until the plugin is inside its scan.
  void enter_scan(const std::string& what) {
    ASSERT_TRUE(load(*worker_, what));
    const auto packet = worker_->receive({});
    wire::Loaded loaded;
    ASSERT_TRUE(packet && wire::decode_message(*packet, loaded)) << worker_->finish().what;
    ASSERT_TRUE(worker_->send_message(wire::Scan{}));
  }
  static std::size_t open_fds() {
    std::size_t count = 0;
    std::error_code gone;  // the listing's own
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
      if (!std::filesystem::read_symlink(fd, gone).string().starts_with("net:[")) ++count;  // kept ready by the spawner
    return count;
  }

  TempTree tree_;
  std::optional<OpenRoot> root_;
  PluginBytes plugin_;
  std::unique_ptr<RoleProcess> worker_;
};

TEST_F(LiveWorker, AMessageOverTheCapEndsItAtOnce) {
  start("lister");
  const std::vector<std::uint8_t> packet(1 << 20, static_cast<std::uint8_t>(wire::MessageType::load));
  EXPECT_FALSE(worker_->send(packet));
  EXPECT_EQ(worker_->finish().reason, EndReason::setup);
}

TEST_F(LiveWorker, FinishedTwiceSaysTheSame) {
  start("lister");
  EXPECT_TRUE(worker_->open());
  const End first = worker_->finish();
  EXPECT_EQ(first.reason, EndReason::none);
  EXPECT_EQ(worker_->finish().reason, EndReason::none);
  EXPECT_FALSE(worker_->open());
  EXPECT_FALSE(worker_->send_message(wire::Cancel{}));
  EXPECT_FALSE(worker_->receive({}).has_value());
  EXPECT_FALSE(worker_->try_receive().has_value());
}

TEST_F(LiveWorker, IsInAControlGroupOfItsOwnThatEndsWithIt) {
  const ::freshet::testing::PlaceOfGroups place;
  if (!place) GTEST_SKIP() << "no control group may be made here: " << place.why();
  auto groups = sandbox::ControlGroups::in(place.open());
  ASSERT_TRUE(groups.has_value());
  WorkerOptions options;
  options.groups = std::make_shared<sandbox::ControlGroups>(std::move(*groups));
  start("hostile", options);
  enter_scan("spin");
  const std::string group = place.path() + "/freshet-" + std::to_string(::getpid()) + "-0";
  EXPECT_EQ(read_proc(AT_FDCWD, (group + "/cgroup.procs").c_str()), std::to_string(worker_->pid()) + "\n");
  worker_->close_for(EndReason::timeout, "enough");
  EXPECT_EQ(read_proc(AT_FDCWD, (group + "/cgroup.procs").c_str()), "");
  worker_.reset();
  EXPECT_FALSE(std::filesystem::exists(group));
}

TEST_F(LiveWorker, ClosedForAReasonKeepsTheFirst) {
  start("lister");
  worker_->close_for(EndReason::protocol, "a message out of order");
  worker_->close_for(EndReason::breach, "later");
  EXPECT_EQ(worker_->finish().reason, EndReason::protocol);
  EXPECT_EQ(worker_->finish().what, "a message out of order");
}

TEST_F(LiveWorker, StopsWaitingWhenAskedAndLivesOn) {
  start("hostile");
  enter_scan("wait-for-cancel");
  std::stop_source source;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source.request_stop();
  });
  EXPECT_FALSE(worker_->receive(source.get_token()).has_value());
  later.join();
  EXPECT_TRUE(worker_->open());
  EXPECT_FALSE(worker_->receive(source.get_token()).has_value());  // still asked to stop
  // Another token is another question.
  ASSERT_TRUE(worker_->send_message(wire::Cancel{}));
  std::stop_source other;
  Scanned scanned;
  EXPECT_TRUE(read_scan(*worker_, scanned, other.get_token()));
  ASSERT_TRUE(scanned.end.has_value());
  EXPECT_EQ(scanned.end->status, FRESHET_CANCELLED);
}

TEST_F(LiveWorker, ACancelEndsAScan) {
  start("hostile");
  enter_scan("wait-for-cancel");
  ASSERT_TRUE(worker_->send_message(wire::Cancel{}));
  Scanned scanned;
  EXPECT_TRUE(read_scan(*worker_, scanned));
  EXPECT_EQ(scanned.end->status, FRESHET_CANCELLED);
  EXPECT_EQ(worker_->finish().reason, EndReason::none);
}

TEST_F(LiveWorker, TryReceiveDoesNotWait) {
  start("hostile");
  enter_scan("sleep");
  EXPECT_FALSE(worker_->try_receive().has_value());
  EXPECT_TRUE(worker_->open());
}

TEST_F(LiveWorker, ASendThatFindsNoRoomEndsAtTheDeadline) {
  WorkerOptions options;
  options.resources.wall_ns = 1'000'000'000;
  start("hostile", options);
  enter_scan("sleep");
  bool sent = true;
  for (int i = 0; i < 100'000 && sent; ++i) sent = worker_->send_message(wire::Cancel{});
  EXPECT_FALSE(sent);
  EXPECT_EQ(worker_->finish().reason, EndReason::timeout);
}

TEST_F(LiveWorker, BothMaySendAtOnce) {
  for (int i = 0; i < 6000; ++i) tree_.file("some-directory/a-file-with-a-rather-long-name-" + std::to_string(i));
  start("lister");
  enter_scan("");
  // More than the socket holds, while the worker has more to say than the socket holds.
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(worker_->send_message(wire::Cancel{})) << worker_->finish().what;
  Scanned scanned;
  ASSERT_TRUE(read_scan(*worker_, scanned)) << worker_->finish().what;
  EXPECT_EQ(scanned.findings.size(), 6000U);
}

TEST_F(LiveWorker, TheDeadlineCanBeRestarted) {
  WorkerOptions options;
  options.resources.wall_ns = 2'000'000'000;
  start("hostile", options);
  enter_scan("wait-for-cancel");
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  worker_->restart_deadline();
  ASSERT_TRUE(worker_->send_message(wire::Cancel{})) << worker_->finish().what;
  Scanned scanned;
  EXPECT_TRUE(read_scan(*worker_, scanned));
}

TEST_F(LiveWorker, KilledFromOutsideIsASignal) {
  start("hostile");
  enter_scan("sleep");
  ASSERT_EQ(::kill(worker_->pid(), SIGKILL), 0);
  EXPECT_FALSE(worker_->receive({}).has_value());
  const End end = worker_->finish();
  EXPECT_EQ(end.reason, EndReason::signal);
  EXPECT_NE(end.what.find("SIGKILL"), std::string::npos);
}

TEST_F(LiveWorker, APacketOfItsOwnIsTheCallersToJudge) {
  start("hostile");
  enter_scan("wrong-packet");
  const auto packet = worker_->receive({});
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ((*packet)[0], 0x25);
}

TEST_F(LiveWorker, VerifyLooksAndSendsNoDirectories) {
  tree_.file("a");
  start("lister");
  ASSERT_TRUE(load(*worker_, ""));
  Scanned scanned;
  ASSERT_TRUE(read_scan(*worker_, scanned));
  ASSERT_TRUE(worker_->send_message(wire::Verify{}));
  Scanned verified;
  ASSERT_TRUE(read_scan(*worker_, verified)) << worker_->finish().what;
  EXPECT_EQ(verified.directories, 0U);
  EXPECT_TRUE(verified.findings.empty());
}

TEST_F(LiveWorker, AVerifyThePluginDoesNotHaveEndsIt) {
  start("no_verify");
  ASSERT_TRUE(load(*worker_, ""));
  const auto packet = worker_->receive({});
  wire::Loaded loaded{true};
  ASSERT_TRUE(packet && wire::decode_message(*packet, loaded));
  EXPECT_FALSE(loaded.has_verify);
  ASSERT_TRUE(worker_->send_message(wire::Verify{}));
  EXPECT_FALSE(worker_->receive({}).has_value());
  EXPECT_NE(worker_->finish().reason, EndReason::none);
}

TEST_F(LiveWorker, ItsUsageIsItsOwn) {
  // The kernel's peak of a child that shared this program's memory until its exec would be this program's.
  std::vector<char> large(200 << 20, 'x');
  start("lister");
  enter_scan("");
  Scanned scanned;
  read_scan(*worker_, scanned);
  worker_->finish();
  const RoleUsage usage = worker_->usage();
  EXPECT_GT(usage.peak_rss_bytes, 1U << 20);
#ifndef FRESHET_SANITIZED
  EXPECT_LT(usage.peak_rss_bytes, 64U << 20);
#endif
  EXPECT_GT(usage.cpu_ns, 0);
  EXPECT_GT(usage.start_ns, 0);
  EXPECT_GE(usage.wall_ns, usage.start_ns);
  EXPECT_EQ(large[large.size() / 2], 'x');
}

TEST_F(LiveWorker, AnswersForItsOwnMountsOnly) {
  start("lister");
  const auto held = worker_->inventory();
  ASSERT_TRUE(held.has_value()) << held.error().what;
  if (sandbox::find_host_support().mount_namespace) {
    EXPECT_EQ(held->mounts, 2U) << "its root, and the granted one";
  } else {
    EXPECT_EQ(held->mounts, 0U);
  }
  WorkerOptions bare;
  bare.limits.no_namespaces = true;
  bare.strict = false;
  start("lister", bare);
  const auto shared = worker_->inventory();
  ASSERT_TRUE(shared.has_value()) << shared.error().what;
  EXPECT_EQ(shared->mounts, 0U);
}

TEST_F(LiveWorker, LeavesNoDescriptorBehind) {
  start("lister");
  worker_.reset();
  const std::size_t before = open_fds();
  for (int i = 0; i < 3; ++i) {
    start("lister");
    enter_scan("");
    Scanned scanned;
    read_scan(*worker_, scanned);
    worker_.reset();
  }
  EXPECT_EQ(open_fds(), before);
}

TEST_F(LiveWorker, RootsTooLongForOneMessageAreTheCallersError) {
  OpenRoot root = open_root(tree_.path());
  for (int i = 0; i < 250; ++i) root.config.exclude.push_back(tree_.path() + "/" + std::string(1000, 'x') + std::to_string(i));
  auto bytes = read_plugin_file(plugin_path("lister"));
  auto worker = start_worker(*bytes, {&root}, {});
  ASSERT_FALSE(worker.has_value());
  EXPECT_EQ(worker.error().kind, ErrorKind::invalid);
}

// ---- judgements ----

TEST(EndReasons, OfAnExit) {
  EXPECT_EQ(judge_exit({true, false, 0}, wire::Role::broker, 0, 0).reason, EndReason::none);
  EXPECT_EQ(judge_exit({true, false, 1}, wire::Role::broker, 0, 0).reason, EndReason::setup);
  EXPECT_EQ(judge_exit({true, false, 0}, wire::Role::worker, 0, 0).reason, EndReason::plugin);
  EXPECT_EQ(judge_exit({true, true, SIGXFSZ}, wire::Role::broker, 0, 0).reason, EndReason::limit);
  EXPECT_EQ(judge_exit({true, true, SIGSEGV}, wire::Role::worker, 0, 5).what, "SIGSEGV");
  EXPECT_EQ(judge_exit({true, true, SIGKILL}, wire::Role::worker, 5'000'000'000, 5).reason, EndReason::limit);
  EXPECT_EQ(judge_exit({true, true, SIGKILL}, wire::Role::worker, 1'000'000'000, 5).reason, EndReason::signal);
  EXPECT_EQ(judge_exit({true, true, SIGKILL}, wire::Role::broker, 5'000'000'000, 0).reason, EndReason::signal);
  EXPECT_EQ(judge_exit({}, wire::Role::worker, 0, 0).reason, EndReason::signal);
}

TEST(EndReasons, OfAFailedMessage) {
  EXPECT_EQ(judge_failed({"F2010", "no", 0}, wire::Role::worker).reason, EndReason::plugin);
  EXPECT_EQ(judge_failed({"", "memory", ENOMEM}, wire::Role::worker).reason, EndReason::limit);
  EXPECT_EQ(judge_failed({"F3001", "foreign area", 0}, wire::Role::broker).reason, EndReason::setup);
  EXPECT_EQ(judge_failed({"\x1b[2J", "x", 0}, wire::Role::worker).code, "");
}

TEST(RoleExecutable, GivenOrBesideTheProgram) {
  EXPECT_TRUE(find_role_executable(role_executable()).has_value());
  auto missing = find_role_executable("/nowhere/freshet-role");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::missing);
  if (std::getenv("FRESHET_TEST_DIR") == nullptr) {  // this program lies in the build tree's bin
    auto found = find_role_executable("");
    ASSERT_TRUE(found.has_value()) << found.error().what;
    EXPECT_TRUE(std::filesystem::equivalent(*found, role_executable()));
  }
}

}  // namespace
}  // namespace freshet::channel::testing
