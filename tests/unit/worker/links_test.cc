// Targets of links below the roots: read, never followed.
#include <freshet/links.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "heard_events.h"
#include "runtime/worker/host.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

class LinksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.file("file");
    link("link", "../blobs/abc");
    link("dangling", "/nowhere");
    link("closed", "secret");
    link("longest", std::string(FRESHET_LINKS_LONGEST, 'x'));
    RootView view;
    view.path = view.shown = tree_.path();
    view.excludes = {{"closed"}};
    view.read_contents = true;
    RootView other = view;
    other.read_contents = false;
    host_.emplace(heard_.socket(), std::vector<RootView>{view, other}, 16);
    EXPECT_EQ(host_->table()->feature(host_->table(), FRESHET_LINKS_ID, 1), nullptr) << "not offered";
    host_->offer({FRESHET_LINKS_ID});
    table_ = host_->table();
    links_ = static_cast<const freshet_links*>(table_->feature(table_, FRESHET_LINKS_ID, 1));
    ASSERT_NE(links_, nullptr);
    host_->begin(false, 42);
    ASSERT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &directory_), FRESHET_OK);
  }
  void TearDown() override {
    host_->end();
    heard_.stop();
    EXPECT_EQ(heard_.wrong, "");
  }
  void link(const std::string& name, const std::string& target) {
    ASSERT_EQ(::symlink(target.c_str(), (tree_.path() + "/" + name).c_str()), 0);
  }
  freshet_status target(std::string_view name, std::size_t room = FRESHET_LINKS_LONGEST) {
    std::string to(room, '\0');
    std::size_t got = 7;
    const freshet_status out = links_->target(table_, directory_, {name.data(), name.size()}, to.data(), to.size(), &got);
    target_ = to.substr(0, got);
    return out;
  }

  ScratchTree tree_;
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  const freshet_links* links_ = nullptr;
  freshet_dir* directory_ = nullptr;
  std::string target_;
};

TEST_F(LinksTest, GiveTheBytesThatStandInThem) {
  EXPECT_EQ(target("link"), FRESHET_OK);
  EXPECT_EQ(target_, "../blobs/abc");
  EXPECT_EQ(target("dangling"), FRESHET_OK);
  EXPECT_EQ(target_, "/nowhere");
  EXPECT_EQ(target("longest"), FRESHET_OK);
  EXPECT_EQ(target_.size(), static_cast<std::size_t>(FRESHET_LINKS_LONGEST));
}

TEST_F(LinksTest, ARootThatMayNotBeReadStaysClosed) {
  freshet_dir* other = nullptr;
  ASSERT_EQ(table_->dir_open(table_, 1, nullptr, {nullptr, 0}, &other), FRESHET_OK);
  std::swap(directory_, other);
  EXPECT_EQ(target("link"), FRESHET_INVALID);
  EXPECT_EQ(target_, "");
}

TEST_F(LinksTest, ATargetIsNeverCutOff) {
  EXPECT_EQ(target("link", 12), FRESHET_INVALID) << "it may be longer";
  EXPECT_EQ(target_, "");
  EXPECT_EQ(target("link", 13), FRESHET_OK);
  EXPECT_EQ(target_, "../blobs/abc");
}

TEST_F(LinksTest, WhatIsNoLinkOrNotShownIsRefused) {
  for (const char* name : {"file", "closed", "..", ".", "", "a/link"}) EXPECT_EQ(target(name), FRESHET_INVALID) << name;
  EXPECT_EQ(target("gone"), FRESHET_UNREADABLE);
  std::size_t got = 0;
  char to[8];
  EXPECT_EQ(links_->target(table_, directory_, {nullptr, 4}, to, sizeof to, &got), FRESHET_INVALID);
  EXPECT_EQ(links_->target(table_, directory_, {"link", 4}, nullptr, 8, &got), FRESHET_INVALID);
  EXPECT_EQ(links_->target(table_, directory_, {"link", 4}, to, 0, &got), FRESHET_INVALID);
  EXPECT_EQ(links_->target(table_, directory_, {"link", 4}, to, sizeof to, nullptr), FRESHET_INVALID);
  table_->dir_close(table_, directory_);
  EXPECT_EQ(target("link"), FRESHET_INVALID) << "its directory is closed";
}

}  // namespace
}  // namespace freshet::worker::testing
