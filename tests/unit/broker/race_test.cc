#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::OutcomeCode;

int exchange(const std::string& a, const std::string& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
}

// Runs `attack` again and again until the end of the scope.
class Attacker {
 public:
  explicit Attacker(std::function<void()> attack)
      : thread_([this, attack = std::move(attack)] {
          while (!stop_) {
            attack();
            ++rounds_;
          }
        }) {}
  ~Attacker() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> rounds_ = 0;
  std::thread thread_;
};

class Races : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(root_);
    options_.roots = {root_};
  }
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }
  [[nodiscard]] std::string slot(const std::string& below) const { return path(".freshet/web/r1/1/" + below); }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
};

// A component of the path is swapped for a link to a directory that holds hard links of the very same files: only the
// resolution without links, and the identity of the parent, stand between the broker and them.
TEST_F(Races, SwappingAParentForALinkHasNoEffectOutside) {
  constexpr int kFiles = 3000;
  make_dir(path("p"));
  make_dir(path("p/q"));
  make_dir(dir_.path() + "/outside");
  make_dir(dir_.path() + "/outside/q");
  for (int i = 0; i < kFiles; ++i) {
    const std::string name = "/q/f" + std::to_string(i);
    write_file(path("p") + name);
    ASSERT_EQ(::link((path("p") + name).c_str(), (dir_.path() + "/outside" + name).c_str()), 0);
  }
  make_link(dir_.path() + "/outside", dir_.path() + "/link");
  Plan plan(root_);
  for (int i = 0; i < kFiles; ++i) plan.add("p/q/f" + std::to_string(i));
  std::vector<wire::Outcome> outcomes;
  {
    Broker broker(options_);
    begin_removal(broker, plan);
    Attacker attacker([&] { exchange(path("p"), dir_.path() + "/link"); });
    for (const wire::Unit& unit : plan.units) outcomes.push_back(send_units(broker, {unit}).front());
    attacker.stop();
    EXPECT_GT(attacker.rounds(), 10U);
  }
  struct stat raw {};
  ASSERT_EQ(::lstat(path("p").c_str(), &raw), 0);
  if (S_ISLNK(raw.st_mode)) exchange(path("p"), dir_.path() + "/link");
  EXPECT_EQ(names_in(dir_.path() + "/outside/q").size(), static_cast<std::size_t>(kFiles));
  for (int i = 0; i < kFiles; ++i) {
    const std::string name = "f" + std::to_string(i);
    const bool removed = outcomes[static_cast<std::size_t>(i)].code == OutcomeCode::removed;
    ASSERT_EQ(exists(slot("1/" + name)), removed) << name;
    ASSERT_EQ(exists(path("p/q/" + name)), !removed) << name;
    if (!removed) {
      // While the directory stands outside the root, the kernel's answer is that of a border crossed.
      const OutcomeCode code = outcomes[static_cast<std::size_t>(i)].code;
      ASSERT_TRUE(code == OutcomeCode::parent_changed || code == OutcomeCode::mount_point) << name;
    }
  }
}

// The entry itself is swapped for another one, before, between and after the looks at it.
TEST_F(Races, SwappingAnEntryNeverTakesTheOtherOneAway) {
  constexpr int kFiles = 2000;
  make_dir(path("p"));
  std::vector<std::uint64_t> planned, precious;
  Plan plan(root_);
  for (int i = 0; i < kFiles; ++i) {
    const std::string n = std::to_string(i);
    write_file(path("p/a" + n));
    write_file(path("p/b" + n));
    plan.add("p/a" + n);
    planned.push_back(stat_of(path("p/a" + n)).identity.inode);
    precious.push_back(stat_of(path("p/b" + n)).identity.inode);
  }
  std::vector<wire::Outcome> outcomes;
  {
    Broker broker(options_);
    begin_removal(broker, plan);
    std::atomic<int> current = 0;
    Attacker attacker([&] {
      const std::string n = std::to_string(current.load());
      exchange(path("p/a" + n), path("p/b" + n));
    });
    for (int i = 0; i < kFiles; ++i) {
      current = i;
      outcomes.push_back(send_units(broker, {plan.units[static_cast<std::size_t>(i)]}).front());
    }
  }
  for (std::size_t i = 0; i < kFiles; ++i) {
    const std::string n = std::to_string(i);
    std::vector<std::uint64_t> at_origin;
    for (const std::string& name : {path("p/a" + n), path("p/b" + n)})
      if (exists(name)) at_origin.push_back(stat_of(name).identity.inode);
    const bool in_slot = exists(slot("1/a" + n));
    switch (outcomes[i].code) {
      case OutcomeCode::removed:
        ASSERT_TRUE(in_slot);
        ASSERT_EQ(stat_of(slot("1/a" + n)).identity.inode, planned[i]);
        ASSERT_EQ(at_origin, std::vector{precious[i]});
        break;
      case OutcomeCode::stranded:
        ASSERT_TRUE(in_slot);
        ASSERT_EQ(at_origin.size(), 1U);
        break;
      case OutcomeCode::changed:
      case OutcomeCode::moved_back:
        ASSERT_FALSE(in_slot);
        ASSERT_EQ(at_origin.size(), 2U);
        break;
      default: FAIL() << wire::to_string(outcomes[i].code);
    }
  }
}

// Entries that arrive while a whole directory goes are never lost: they are at the origin or in the quarantine.
TEST_F(Races, LateArrivalsInAWholeDirectoryAreNotLost) {
  constexpr int kTrees = 150;
  Plan plan(root_);
  for (int i = 0; i < kTrees; ++i) {
    const std::string tree = "t" + std::to_string(i);
    make_dir(path(tree));
    make_dir(path(tree + "/x"));
    for (int f = 0; f < 20; ++f) write_file(path(tree + "/x/f" + std::to_string(f)));
    plan.add_whole(tree);
  }
  std::atomic<int> current = 0;
  std::vector<std::string> arrived;
  std::uint64_t counter = 0;
  std::vector<wire::Outcome> outcomes;
  {
    Broker broker(options_);
    begin_removal(broker, plan);
    Attacker attacker([&] {
      const std::string name = "late" + std::to_string(++counter);
      const std::string tree = "t" + std::to_string(current.load());
      const Fd file(::open(path(tree + "/x/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
      if (file) arrived.push_back(tree + "/x/" + name);
      std::this_thread::sleep_for(std::chrono::microseconds(counter % 300));
    });
    for (int i = 0; i < kTrees; ++i) {
      current = i;
      outcomes.push_back(send_units(broker, {plan.units[static_cast<std::size_t>(i)]}).front());
    }
  }
  for (const std::string& name : arrived) EXPECT_TRUE(exists(path(name)) || exists(slot("1/" + name))) << name;
  for (int i = 0; i < kTrees; ++i) {
    const std::string tree = "t" + std::to_string(i);
    const OutcomeCode code = outcomes[static_cast<std::size_t>(i)].code;
    ASSERT_TRUE(code == OutcomeCode::removed || code == OutcomeCode::digest_changed || code == OutcomeCode::moved_back)
        << wire::to_string(code);
    ASSERT_EQ(exists(path(tree)), code != OutcomeCode::removed);
    ASSERT_EQ(exists(slot("1/" + tree)), code == OutcomeCode::removed);
  }
  EXPECT_TRUE(restore(options_).conflicts.empty());
  for (const std::string& name : arrived) EXPECT_TRUE(exists(path(name))) << name;
}

// An origin is swapped for a link while its entries come back.
TEST_F(Races, SwappingAParentDuringARestoreHasNoEffectOutside) {
  constexpr int kParents = 300;
  make_dir(dir_.path() + "/outside");
  Plan plan(root_);
  for (int i = 0; i < kParents; ++i) {
    const std::string n = std::to_string(i);
    make_dir(path("p" + n));
    write_file(path("p" + n + "/file"));
    make_link(dir_.path() + "/outside", dir_.path() + "/link" + n);
    plan.add("p" + n + "/file");
  }
  ASSERT_EQ(remove_plan(options_, plan).finished.units, static_cast<std::uint64_t>(kParents));
  RestoreResult result;
  {
    Attacker attacker([&] {
      for (int i = 0; i < kParents; ++i) {
        const std::string n = std::to_string(i);
        exchange(path("p" + n), dir_.path() + "/link" + n);
      }
    });
    for (int round = 0; round < 5; ++round) result = restore(options_);
  }
  EXPECT_TRUE(names_in(dir_.path() + "/outside").empty());
  for (int i = 0; i < kParents; ++i) {
    const std::string n = std::to_string(i);
    struct stat raw {};
    ASSERT_EQ(::lstat(path("p" + n).c_str(), &raw), 0);
    if (S_ISLNK(raw.st_mode)) exchange(path("p" + n), dir_.path() + "/link" + n);
  }
  EXPECT_TRUE(restore(options_).conflicts.empty());
  for (int i = 0; i < kParents; ++i) EXPECT_TRUE(exists(path("p" + std::to_string(i) + "/file")));
}

// An ordinary user who owns the tree, in a process of its own. It swaps what the broker is about to resolve, as fast as it
// can; the broker is asked for an entry that is only where a swapped path leads, with that entry's true identity, as a
// worker might that works hand in hand with this user. No try may ever reach it.
class OwnerOfTheTree {
 public:
  explicit OwnerOfTheTree(const std::function<void()>& swap)
      : rounds_(static_cast<std::atomic<std::uint64_t>*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(kSomebody, kSomebody, kSomebody) != 0 ||
                             ::setresuid(kSomebody, kSomebody, kSomebody) != 0))
      ::_exit(1);
    for (;;) {
      swap();
      ++*rounds_;
    }
  }
  ~OwnerOfTheTree() { stop(); }
  std::uint64_t stop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
    return *rounds_;
  }

 private:
  std::atomic<std::uint64_t>* rounds_;
  pid_t pid_ = -1;
};

struct Swap {
  const char* name;
  const char* path;   // below the test's folder: what is exchanged ..
  const char* other;  // .. with that
};
void PrintTo(const Swap& swap, std::ostream* out) { *out << swap.name; }

class HundredThousandTries : public Races, public testing::WithParamInterface<Swap> {};

TEST_P(HundredThousandTries, NeverReachWhatASwappedPathLeadsTo) {
  constexpr std::uint64_t kTries = 100'000;
  const std::string top = dir_.path(), outside = top + "/outside";
  ::chmod(top.c_str(), 0777);
  for (const std::string& one : {path("p"), path("p/q"), outside, outside + "/q"}) make_dir(one);
  write_file(outside + "/q/victim");
  write_file(outside + "/victim");
  write_file(path("p/q/decoy"));
  make_link("../outside", top + "/link");      // exchanged with root/p: it leads to outside
  make_link("../../outside/q", top + "/deep");  // with root/p/q: to outside/q
  chown_tree(top, ::geteuid() == 0 ? kSomebody : ::geteuid());
  Plan plan(root_);
  plan.add("p/q/decoy");
  const Identity victim = stat_of(outside + "/q/victim").identity;
  const std::string swapped = top + "/" + GetParam().path, other = top + "/" + GetParam().other;
  const std::uint64_t inode = stat_of(swapped).identity.inode;
  const Snapshot before = snapshot(outside, "");
  std::map<OutcomeCode, std::uint64_t> counts;
  std::uint64_t rounds = 0;
  {
    Broker broker(options_);
    begin_removal(broker, plan);
    OwnerOfTheTree owner([&] { exchange(swapped, other); });
    for (std::uint64_t sequence = 0; sequence < kTries && !HasFailure();) {
      std::vector<wire::Unit> batch;
      for (int i = 0; i < 100; ++i) {
        wire::Unit unit = plan.units.front();
        unit.sequence = sequence++;
        unit.name = "victim";
        unit.identity = victim;
        batch.push_back(unit);
      }
      for (const wire::Outcome& outcome : send_units(broker, batch)) ++counts[outcome.code];
    }
    rounds = owner.stop();
  }
  // Both sides of the race were hit: at times the path was the true one, at times another.
  EXPECT_GT(counts[OutcomeCode::gone], 0U);
  EXPECT_GT(counts[OutcomeCode::parent_changed] + counts[OutcomeCode::mount_point], 0U);
  EXPECT_EQ(counts[OutcomeCode::gone] + counts[OutcomeCode::parent_changed] + counts[OutcomeCode::mount_point], kTries);
  EXPECT_GT(rounds, 1000U);
  if (stat_of(swapped).identity.inode != inode) exchange(swapped, other);
  EXPECT_TRUE(same(before, snapshot(outside, "")));
  RecordProperty("rounds", std::to_string(rounds));
  std::printf("%s: %llu tries against %llu swaps, %llu met another path, %s\n", GetParam().name,
              static_cast<unsigned long long>(kTries), static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(kTries - counts[OutcomeCode::gone]), HasFailure() ? "and there were effects" : "0 effects");
}

INSTANTIATE_TEST_SUITE_P(Owner, HundredThousandTries,
                         testing::Values(Swap{"ALinkOnTheWay", "root/p", "link"}, Swap{"ALinkAsTheParent", "root/p/q", "deep"},
                                         Swap{"AnotherDirectoryOnTheWay", "root/p", "outside"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace freshet::broker::test
