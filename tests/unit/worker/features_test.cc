// Optional features: contents of files below the roots, and IPC objects. Only where they are granted, only of regular files, never by a way around.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "heard_events.h"
#include "runtime/worker/host.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

class ContentsTest : public ::testing::Test {
 protected:
  void open(bool granted, const std::vector<std::string>& features) {
    tree_.file("file");
    tree_.file("closed/file");
    tree_.file(".freshet/file");
    ASSERT_EQ(::symlink("file", (tree_.path() + "/link").c_str()), 0);
    ASSERT_EQ(::mkfifo((tree_.path() + "/fifo").c_str(), 0600), 0);
    RootView view;
    view.path = view.shown = tree_.path();
    view.excludes = {{"closed"}, {"secret"}};
    view.area = ".freshet";
    view.read_contents = granted;
    tree_.file("secret");
    host_.emplace(heard_.socket(), std::vector<RootView>{view}, 16);
    host_->offer(features);
    table_ = host_->table();
    contents_ = static_cast<const freshet_contents*>(table_->feature(table_, FRESHET_CONTENTS_ID, 1));
    host_->begin(false, 42);
    ASSERT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &directory_), FRESHET_OK);
  }
  freshet_status try_open(std::string_view name, freshet_file** out = nullptr) {
    freshet_file* file = nullptr;
    const freshet_status status = contents_->open(table_, directory_, {name.data(), name.size()}, &file);
    EXPECT_EQ(status == FRESHET_OK, file != nullptr) << name;
    if (out != nullptr) *out = file;
    return status;
  }
  void finish() {
    host_->end();
    heard_.stop();
    EXPECT_EQ(heard_.wrong, "");
  }

  ScratchTree tree_;
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  const freshet_contents* contents_ = nullptr;
  freshet_dir* directory_ = nullptr;
};

TEST_F(ContentsTest, AreThereOnlyWhenTheManagerOffersThem) {
  open(true, {"org.freshet.other"});
  EXPECT_EQ(contents_, nullptr);
  host_->offer({FRESHET_CONTENTS_ID});
  EXPECT_NE(table_->feature(table_, FRESHET_CONTENTS_ID, 1), nullptr);
  EXPECT_EQ(table_->feature(table_, FRESHET_CONTENTS_ID, 2), nullptr) << "a revision that is not there yet";
  EXPECT_EQ(table_->feature(table_, nullptr, 1), nullptr);
  finish();
}

TEST_F(ContentsTest, AreReadFromAnyOffset) {
  open(true, {FRESHET_CONTENTS_ID});
  freshet_file* file = nullptr;
  ASSERT_EQ(try_open("file", &file), FRESHET_OK);
  char buffer[16] = {};
  std::size_t got = 99;
  EXPECT_EQ(contents_->read(table_, file, 0, buffer, sizeof buffer, &got), FRESHET_OK);
  EXPECT_EQ(std::string_view(buffer, got), "x");
  EXPECT_EQ(contents_->read(table_, file, 1, buffer, sizeof buffer, &got), FRESHET_END);
  EXPECT_EQ(got, 0U);
  EXPECT_EQ(contents_->read(table_, file, ~0ULL, buffer, sizeof buffer, &got), FRESHET_INVALID);
  EXPECT_EQ(contents_->read(table_, file, 0, nullptr, 1, &got), FRESHET_INVALID);
  EXPECT_EQ(contents_->read(table_, file, 0, buffer, 1, nullptr), FRESHET_INVALID);
  contents_->close(table_, file);
  EXPECT_EQ(contents_->read(table_, file, 0, buffer, 1, &got), FRESHET_INVALID) << "it is closed";
  contents_->close(table_, file);
  contents_->close(table_, nullptr);
  finish();
}

TEST_F(ContentsTest, AreOfRegularFilesThatAreShownOnly) {
  open(true, {FRESHET_CONTENTS_ID});
  for (const char* name : {"link", "fifo", "closed", "secret", ".freshet", "..", "", "closed/file", "a\nb/../file"})
    EXPECT_EQ(try_open(name), FRESHET_INVALID) << name;
  EXPECT_EQ(try_open("nothing"), FRESHET_UNREADABLE);
  freshet_file* file = nullptr;
  auto* wild = reinterpret_cast<freshet_dir*>(0x1000);
  EXPECT_EQ(contents_->open(table_, wild, {"file", 4}, &file), FRESHET_INVALID);
  EXPECT_EQ(contents_->open(table_, directory_, {"file", 4}, nullptr), FRESHET_INVALID);
  finish();
}

TEST_F(ContentsTest, AreNotReadBelowARootThatDoesNotGrantThem) {
  open(false, {FRESHET_CONTENTS_ID});  // another root may
  EXPECT_EQ(try_open("file"), FRESHET_INVALID);
  finish();
}

TEST_F(ContentsTest, AreClosedWithTheScanAndFewAtATime) {
  open(true, {FRESHET_CONTENTS_ID});
  freshet_file* file = nullptr;
  for (int i = 0; i < FRESHET_CONTENTS_OPEN; ++i) ASSERT_EQ(try_open("file", &file), FRESHET_OK);
  EXPECT_EQ(try_open("file"), FRESHET_FAILED);
  contents_->close(table_, file);
  EXPECT_EQ(try_open("file", &file), FRESHET_OK);
  host_->end();
  char byte = 0;
  std::size_t got = 0;
  EXPECT_EQ(contents_->read(table_, file, 0, &byte, 1, &got), FRESHET_INVALID) << "no scan is running";
  heard_.stop();
}

class IpcTest : public ::testing::Test {
 protected:
  void open(const std::vector<std::string>& features) {
    host_.emplace(heard_.socket(), std::vector<RootView>{}, 16);
    host_->offer(features);
    table_ = host_->table();
    ipc_ = static_cast<const freshet_ipc*>(table_->feature(table_, FRESHET_IPC_ID, 1));
    wire::IpcObject object;
    object.kind = wire::IpcKind::posix_shm;
    object.name = "name";
    object.uid = 33;
    wire::IpcObject queue = object;
    queue.kind = wire::IpcKind::posix_msg;
    host_->show({object});
    host_->show({object, queue});
    host_->begin(false, 42);
  }
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  const freshet_ipc* ipc_ = nullptr;
};

TEST_F(IpcTest, IsThereOnlyWhenTheManagerOffersIt) {
  open({FRESHET_CONTENTS_ID});
  EXPECT_EQ(ipc_, nullptr);
  host_->offer({FRESHET_IPC_ID});
  EXPECT_NE(table_->feature(table_, FRESHET_IPC_ID, 1), nullptr);
  EXPECT_NE(table_->feature(table_, FRESHET_IPC_ID, 2), nullptr);
  EXPECT_EQ(table_->feature(table_, FRESHET_IPC_ID, 3), nullptr);
  host_->end();
}

// A plugin of before ABI 1.1 knows five kinds, and may take what is none of four for the fifth.
TEST_F(IpcTest, MessageQueuesAreThereForThoseWhoAskForRevision2) {
  open({FRESHET_IPC_ID});
  const auto* second = static_cast<const freshet_ipc*>(table_->feature(table_, FRESHET_IPC_ID, 2));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(ipc_->revision, 1U);
  EXPECT_EQ(second->revision, 2U);
  freshet_ipc_object object{};
  object.size = sizeof object;
  EXPECT_EQ(ipc_->object(table_, 2, &object), FRESHET_END);
  EXPECT_EQ(ipc_->propose(table_, 2, FRESHET_LEFTOVER, {"x", 1}), FRESHET_INVALID);
  EXPECT_EQ(second->object(table_, 2, &object), FRESHET_OK);
  EXPECT_EQ(object.kind, static_cast<freshet_ipc_kind>(FRESHET_IPC_POSIX_MSG));
  EXPECT_EQ(second->propose(table_, 2, FRESHET_LEFTOVER, {"x", 1}), FRESHET_OK);
  EXPECT_EQ(second->object(table_, 3, &object), FRESHET_END);
  host_->end();
  heard_.stop();
  EXPECT_EQ(heard_.findings, std::vector<std::string>{"ipc 2"});
}

TEST_F(IpcTest, ShowsWhatItWasGivenAndTakesNoOtherIndex) {
  open({FRESHET_IPC_ID});
  freshet_ipc_object object{};
  EXPECT_EQ(ipc_->object(table_, 0, &object), FRESHET_INVALID) << "no size";
  object.size = sizeof object;
  EXPECT_EQ(ipc_->object(table_, 1, &object), FRESHET_OK);
  EXPECT_EQ(object.kind, static_cast<freshet_ipc_kind>(FRESHET_IPC_POSIX_SHM));
  EXPECT_EQ(std::string(object.name.data, object.name.length), "name");
  EXPECT_EQ(object.uid, 33U);
  EXPECT_EQ(ipc_->object(table_, 2, &object), FRESHET_END);
  EXPECT_EQ(ipc_->object(table_, 0, nullptr), FRESHET_INVALID);
  EXPECT_EQ(ipc_->propose(table_, 2, FRESHET_LEFTOVER, {"x", 1}), FRESHET_INVALID);
  EXPECT_EQ(ipc_->propose(table_, 0, 0, {"x", 1}), FRESHET_INVALID);
  EXPECT_EQ(ipc_->propose(table_, 0, FRESHET_LEFTOVER, {"\xff", 1}), FRESHET_INVALID);
  EXPECT_EQ(ipc_->propose(table_, 0, FRESHET_LEFTOVER, {nullptr, 1}), FRESHET_INVALID);
  EXPECT_EQ(ipc_->propose(table_, 1, FRESHET_LEFTOVER, {"x", 1}), FRESHET_OK);
  host_->end();
  EXPECT_EQ(ipc_->propose(table_, 1, FRESHET_LEFTOVER, {"x", 1}), FRESHET_INVALID) << "no scan is running";
  heard_.stop();
  EXPECT_EQ(heard_.findings, std::vector<std::string>{"ipc 1"});
}

class GuardTest : public ::testing::Test {
 protected:
  void open(const std::vector<std::string>& features) {
    host_.emplace(heard_.socket(), std::vector<RootView>{}, 16);
    host_->offer(features);
    table_ = host_->table();
    guard_ = static_cast<const freshet_guard*>(table_->feature(table_, FRESHET_GUARD_ID, 1));
    std::uint64_t size = 0;
    for (const std::size_t part : {2U, 1U, 3U}) {  // as packets
      wire::Planned planned;
      for (std::size_t i = 0; i < part; ++i, ++size)
        planned.entries.push_back({3, "d", "n" + std::to_string(size), EntryType::file, wire::FindingKind::orphan,
                                   wire::CostClass::regenerable, size, 5, 6, 7, "t", "old"});
      std::vector<std::uint8_t> packet;
      wire::encode_message(planned, packet);
      host_->show(std::string_view(reinterpret_cast<const char*>(packet.data()), packet.size()), planned);
    }
    host_->begin(false, 42);
  }
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  const freshet_guard* guard_ = nullptr;
};

TEST_F(GuardTest, IsThereOnlyWhenTheManagerOffersIt) {
  open({FRESHET_IPC_ID});
  EXPECT_EQ(guard_, nullptr);
  host_->offer({FRESHET_GUARD_ID});
  EXPECT_NE(table_->feature(table_, FRESHET_GUARD_ID, 1), nullptr);
  EXPECT_EQ(table_->feature(table_, FRESHET_GUARD_ID, 2), nullptr);
  host_->end();
}

TEST_F(GuardTest, ShowsEveryEntryInAnyOrder) {
  open({FRESHET_GUARD_ID});
  freshet_planned entry{};
  EXPECT_EQ(guard_->planned(table_, 0, &entry), FRESHET_INVALID) << "no size";
  entry.size = sizeof entry;
  for (const std::uint64_t index : {0U, 1U, 2U, 3U, 4U, 5U, 2U, 0U, 5U}) {
    ASSERT_EQ(guard_->planned(table_, index, &entry), FRESHET_OK) << index;
    EXPECT_EQ(std::string(entry.name.data, entry.name.length), "n" + std::to_string(index));
    EXPECT_EQ(entry.bytes, index);
  }
  EXPECT_EQ(entry.root, 3U);
  EXPECT_EQ(std::string(entry.directory.data, entry.directory.length), "d");
  EXPECT_EQ(std::string(entry.task.data, entry.task.length), "t");
  EXPECT_EQ(std::string(entry.reason.data, entry.reason.length), "old");
  EXPECT_EQ(entry.type, static_cast<freshet_entry_type>(FRESHET_FILE));
  EXPECT_EQ(entry.kind, static_cast<freshet_finding_kind>(FRESHET_ORPHAN));
  EXPECT_EQ(entry.cost, static_cast<freshet_cost_class>(FRESHET_REGENERABLE));
  EXPECT_EQ(entry.allocated, 5U);
  EXPECT_EQ(entry.mtime, 6);
  EXPECT_EQ(entry.atime, 7);
  EXPECT_EQ(guard_->planned(table_, 6, &entry), FRESHET_END);
  EXPECT_EQ(guard_->planned(table_, ~0ULL, &entry), FRESHET_END);
  host_->end();
  EXPECT_EQ(guard_->planned(table_, 0, &entry), FRESHET_INVALID) << "no scan is running";
}

TEST_F(GuardTest, KeepsWhatItWasShownAndProposesNothing) {
  open({FRESHET_GUARD_ID});
  EXPECT_EQ(guard_->keep(table_, 6, {"x", 1}), FRESHET_INVALID);
  EXPECT_EQ(guard_->keep(table_, 1, {"\xff", 1}), FRESHET_INVALID);
  EXPECT_EQ(guard_->keep(table_, 1, {nullptr, 1}), FRESHET_INVALID);
  EXPECT_EQ(guard_->keep(table_, 1, {std::string(wire::kMaxReason + 1, 'x').data(), wire::kMaxReason + 1}), FRESHET_INVALID);
  EXPECT_EQ(guard_->keep(table_, 5, {"why", 3}), FRESHET_OK);
  freshet_finding finding{};
  finding.size = sizeof finding;
  EXPECT_EQ(table_->emit_finding(table_, &finding), FRESHET_INVALID);
  host_->end();
  heard_.stop();
  EXPECT_EQ(heard_.findings, std::vector<std::string>{"keep 5: why"});
}

}  // namespace
}  // namespace freshet::worker::testing
