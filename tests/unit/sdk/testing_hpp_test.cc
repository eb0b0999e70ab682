#include <freshet/testing.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

namespace {

using freshet::testing::FakeHost;
using freshet::testing::FakeSettings;
using freshet::testing::kDay;
using freshet::testing::Node;
using freshet::testing::RunningTask;
using Rules = std::vector<std::string>;

// A plugin that does what the test says, by the bare C interface: it can break every rule.
std::function<freshet_status(const freshet_host*)> on_scan;
int task_storage;

freshet_status do_describe(std::uint32_t index, const char** kind) {
  *kind = "any";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}
freshet_status do_configure(const freshet_host*, const char*, const freshet_setting*, std::uint64_t, freshet_task** out) {
  *out = reinterpret_cast<freshet_task*>(&task_storage);
  return FRESHET_OK;
}
freshet_status do_scan(freshet_task*, const freshet_host* host) { return on_scan(host); }
void do_destroy(freshet_task*) {}

freshet_status any_entry(const freshet_host*, freshet_plugin* out) {
  *out = {};
  out->size = sizeof *out;
  out->abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  out->describe = do_describe;
  out->configure = do_configure;
  out->scan = do_scan;
  out->verify = do_scan;
  out->destroy = do_destroy;
  return FRESHET_OK;
}

class TestKit : public testing::Test {
 protected:
  void TearDown() override { on_scan = nullptr; }
  freshet_status scan(std::function<freshet_status(const freshet_host*)> body) {
    on_scan = std::move(body);
    RunningTask task(host_, any_entry, "any", {});
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.scan();
  }
  // With the root open and its first entry in hand.
  freshet_status on_first(std::function<freshet_status(const freshet_host*, freshet_dir*, freshet_entry&)> body) {
    return scan([&](const freshet_host* host) {
      freshet_dir* root = nullptr;
      EXPECT_EQ(host->dir_open(host, 0, nullptr, {nullptr, 0}, &root), FRESHET_OK);
      freshet_entry entry{};
      entry.size = sizeof entry;
      EXPECT_EQ(host->dir_next(host, root, &entry), FRESHET_OK);
      const freshet_status out = body(host, root, entry);
      host->dir_close(host, root);
      return out;
    });
  }
  static freshet_status propose(const freshet_host* host, freshet_dir* directory, const freshet_entry& entry,
                                const std::string& reason = "old") {
    freshet_finding finding{};
    finding.size = sizeof finding;
    finding.kind = FRESHET_AGED;
    finding.directory = directory;
    finding.entry = &entry;
    finding.reason = {reason.data(), reason.size()};
    return host->emit_finding(host, &finding);
  }
  // The one rule that was broken.
  void expect_rule(const std::string& part) {
    ASSERT_EQ(host_.broken_rules.size(), 1U);
    EXPECT_NE(host_.broken_rules[0].find(part), std::string::npos) << host_.broken_rules[0];
    host_.broken_rules.clear();
  }

  FakeHost host_;
  Node& root_ = host_.add_root("/r");
};

TEST_F(TestKit, AGoodScanBreaksNoRule) {
  root_.file("a", 41);
  EXPECT_EQ(on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
              EXPECT_EQ(host->now(host) - entry.mtime, 41 * kDay);
              return propose(host, root, entry);
            }),
            FRESHET_OK);
  EXPECT_EQ(host_.broken_rules, Rules{});
  EXPECT_EQ(host_.proposed(), Rules{"/r/a"});
  EXPECT_EQ(host_.entries, 1U);
}

TEST_F(TestKit, AClosedDirectoryIsKnownAsOne) {
  root_.file("a");
  EXPECT_EQ(scan([](const freshet_host* host) {
              freshet_dir* root = nullptr;
              host->dir_open(host, 0, nullptr, {nullptr, 0}, &root);
              host->dir_close(host, root);
              freshet_entry entry{};
              entry.size = sizeof entry;
              return host->dir_next(host, root, &entry);
            }),
            FRESHET_INVALID);
  expect_rule("dir_next was given a directory that is not open");
}

TEST_F(TestKit, OneLeftOpenIsNamed) {
  scan([](const freshet_host* host) {
    freshet_dir* root = nullptr;
    return host->dir_open(host, 0, nullptr, {nullptr, 0}, &root);
  });
  expect_rule("left open: /r");
  EXPECT_EQ(host_.open_directories, 0U);
}

TEST_F(TestKit, ParentsCloseAfterTheirChildren) {
  root_.directory("d");
  on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
    freshet_dir* inner = nullptr;
    EXPECT_EQ(host->dir_open(host, 0, root, entry.name, &inner), FRESHET_OK);
    return FRESHET_OK;
  });
  expect_rule("closed before one that is in it: /r");
}

TEST_F(TestKit, WhatIsNotThereCannotBeProposed) {
  root_.file("a");
  EXPECT_EQ(on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
              entry.name = {"b", 1};
              return propose(host, root, entry);
            }),
            FRESHET_INVALID);
  expect_rule("not listed there: /r/b");
  EXPECT_EQ(on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
              entry.ordinal = 7;
              return propose(host, root, entry);
            }),
            FRESHET_INVALID);
  expect_rule("not listed there: /r/a");
  EXPECT_EQ(host_.proposed(), Rules{});
}

TEST_F(TestKit, ReasonsAreShortUtf8AndThere) {
  root_.file("a");
  const auto with = [&](const std::string& reason) {
    return on_first([&](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
      return propose(host, root, entry, reason);
    });
  };
  EXPECT_EQ(with(std::string(512, 'x')), FRESHET_OK);
  EXPECT_EQ(host_.broken_rules, Rules{});
  EXPECT_EQ(with(std::string(513, 'x')), FRESHET_INVALID);
  expect_rule("longer than 512");
  for (const char* bad : {"\xff", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc3"}) {
    EXPECT_EQ(with(bad), FRESHET_INVALID) << bad;
    expect_rule("not UTF-8");
  }
  EXPECT_EQ(with("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), FRESHET_OK);
  EXPECT_EQ(host_.broken_rules, Rules{});
  EXPECT_EQ(with(""), FRESHET_OK) << "as the real host";
  expect_rule("no reason");
}

TEST_F(TestKit, ADirectoryIsProposedAfterWhatIsInIt) {
  root_.directory("d").file("f");
  EXPECT_EQ(on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) { return propose(host, root, entry); }),
            FRESHET_OK);
  expect_rule("before what is in it: /r/d");
}

TEST_F(TestKit, AnEntryIsProposedOnce) {
  root_.file("a");
  on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
    propose(host, root, entry);
    return propose(host, root, entry);
  });
  expect_rule("twice: /r/a");
}

TEST_F(TestKit, SpecialEntriesAreNotOpened) {
  const auto open_first = [&] {
    return on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
      freshet_dir* inner = nullptr;
      return host->dir_open(host, 0, root, entry.name, &inner);
    });
  };
  root_.mount_point("m");
  EXPECT_EQ(open_first(), FRESHET_INVALID);
  expect_rule("a mount point: /r/m");
  root_.children.clear();
  root_.symlink("l");
  EXPECT_EQ(open_first(), FRESHET_INVALID);
  expect_rule("no directory: /r/l");
  root_.children.clear();
  root_.directory("closed").unreadable = true;
  EXPECT_EQ(open_first(), FRESHET_UNREADABLE);
  root_.children.clear();
  root_.directory("gone").vanishes = true;
  EXPECT_EQ(open_first(), FRESHET_UNREADABLE);
  EXPECT_EQ(host_.broken_rules, Rules{}) << "that is nobody's mistake";
  EXPECT_EQ(host_.unread, (Rules{"/r/closed", "/r/gone"}));
}

TEST_F(TestKit, AnEntryMayVanishWhileTheScanGoesOn) {
  root_.directory("d");
  host_.on_open = [&](const std::string& path) {
    if (path == "/r/d") root_.children.clear();
  };
  EXPECT_EQ(on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
              const std::string name(entry.name.data, entry.name.length);
              freshet_dir* inner = nullptr;
              return host->dir_open(host, 0, root, {name.data(), name.size()}, &inner);
            }),
            FRESHET_UNREADABLE);
}

TEST_F(TestKit, ExcludedEntriesCountAndAreNotShown) {
  root_.file("x").excluded = true;
  root_.directory(".freshet-1000");
  root_.file("a");
  on_first([](const freshet_host*, freshet_dir*, freshet_entry& entry) {
    EXPECT_EQ(std::string(entry.name.data, entry.name.length), "a");
    EXPECT_EQ(entry.ordinal, 2U);
    return FRESHET_OK;
  });
  EXPECT_EQ(host_.entries, 3U);
}

TEST_F(TestKit, OtherThreadsMayLogAndNotWalk) {
  root_.file("a");
  scan([](const freshet_host* host) {
    std::thread([&] {
      host->log(host, FRESHET_LOG_INFO, "hello", 5);
      host->buffer_put(host, host->buffer_get(host, 10));
    }).join();
    return FRESHET_OK;
  });
  EXPECT_EQ(host_.log, Rules{"hello"});
  EXPECT_EQ(host_.broken_rules, Rules{});
  scan([](const freshet_host* host) {
    std::thread([&] { host->progress(host, 1, 2); }).join();
    return FRESHET_OK;
  });
  expect_rule("progress was called on another thread");
}

TEST_F(TestKit, CallsOutsideOfAScanAreRefused) {
  freshet_dir* root = nullptr;
  const freshet_host* const host = host_.table();
  EXPECT_EQ(host->dir_open(host, 0, nullptr, {nullptr, 0}, &root), FRESHET_INVALID);
  expect_rule("dir_open was called outside");
}

TEST_F(TestKit, VerifyProposesNothing) {
  root_.file("a");
  on_scan = [](const freshet_host* host) {
    freshet_dir* root = nullptr;
    host->dir_open(host, 0, nullptr, {nullptr, 0}, &root);
    freshet_entry entry{};
    entry.size = sizeof entry;
    host->dir_next(host, root, &entry);
    const freshet_status out = propose(host, root, entry);
    host->dir_close(host, root);
    return out;
  };
  RunningTask task(host_, any_entry, "any", {});
  EXPECT_EQ(task.verify(), FRESHET_INVALID);
  expect_rule("in verify");
}

TEST_F(TestKit, BuffersThatDoNotComeBackAreKnown) {
  scan([](const freshet_host* host) { return host->buffer_get(host, 10) != nullptr ? FRESHET_OK : FRESHET_FAILED; });
  expect_rule("never given back");
  int other = 0;
  scan([&](const freshet_host* host) {
    host->buffer_put(host, &other);
    return FRESHET_OK;
  });
  EXPECT_NE(host_.broken_rules.at(0).find("did not hand out"), std::string::npos);
}

TEST_F(TestKit, CancellationComesWhereTheTestWantsIt) {
  root_.file("a");
  root_.file("b");
  host_.cancel_after_entries = 1;
  std::vector<int> seen;
  scan([&](const freshet_host* host) {
    freshet_dir* root = nullptr;
    host->dir_open(host, 0, nullptr, {nullptr, 0}, &root);
    freshet_entry entry{};
    entry.size = sizeof entry;
    while (host->dir_next(host, root, &entry) == FRESHET_OK) seen.push_back(host->cancelled(host));
    host->dir_close(host, root);
    return FRESHET_CANCELLED;
  });
  EXPECT_EQ(seen, (std::vector<int>{0, 1}));
}

TEST_F(TestKit, LogLinesAreCutAndCounted) {
  scan([](const freshet_host* host) {
    const std::string line(3000, 'x');
    for (int i = 0; i < 300; ++i) host->log(host, FRESHET_LOG_INFO, line.data(), line.size());
    return FRESHET_OK;
  });
  EXPECT_EQ(host_.log.size(), 200U);
  EXPECT_EQ(host_.log[0].size(), 1024U);
}

TEST_F(TestKit, FeaturesAreWhatTheTestGives) {
  const int table = 1;
  host_.features["org.example.x"] = {2, &table};
  const freshet_host* const host = host_.table();
  EXPECT_EQ(host->feature(host, "org.example.x", 2), &table);
  EXPECT_EQ(host->feature(host, "org.example.x", 3), nullptr);
  EXPECT_EQ(host->feature(host, "org.example.y", 1), nullptr);
}

TEST_F(TestKit, MessageQueuesAreThereForThoseWhoAskForRevision2) {
  freshet_ipc_object shm{};
  freshet_ipc_object queue{};
  queue.kind = FRESHET_IPC_POSIX_MSG;
  host_.grant_ipc({shm, queue});
  scan([](const freshet_host* host) {
    const auto* first = static_cast<const freshet_ipc*>(host->feature(host, FRESHET_IPC_ID, 1));
    const auto* second = static_cast<const freshet_ipc*>(host->feature(host, FRESHET_IPC_ID, 2));
    EXPECT_EQ(first->revision, 1U);
    EXPECT_EQ(second->revision, 2U);
    freshet_ipc_object object{};
    object.size = sizeof object;
    EXPECT_EQ(first->object(host, 0, &object), FRESHET_OK);
    EXPECT_EQ(first->object(host, 1, &object), FRESHET_END);
    EXPECT_EQ(second->object(host, 1, &object), FRESHET_OK);
    EXPECT_EQ(object.kind, static_cast<freshet_ipc_kind>(FRESHET_IPC_POSIX_MSG));
    EXPECT_EQ(second->propose(host, 1, FRESHET_ORPHAN, {"x", 1}), FRESHET_OK);
    return FRESHET_OK;
  });
  EXPECT_EQ(host_.ipc_findings.size(), 1U);
}

TEST_F(TestKit, OrderIsNothingToRelyOn) {
  root_.file("a");
  root_.file("b");
  host_.backwards = true;
  on_first([](const freshet_host* host, freshet_dir* root, freshet_entry& entry) {
    EXPECT_EQ(std::string(entry.name.data, entry.name.length), "b");
    return propose(host, root, entry);
  });
  EXPECT_EQ(host_.proposed(), Rules{"/r/b"});
}

TEST_F(TestKit, ADeepTreeNeedsNoDeepStack) {
  Node* at = &root_;
  for (int i = 0; i < 200'000; ++i) at = &at->directory("d");
  EXPECT_NE(at, &root_);
}

}  // namespace
