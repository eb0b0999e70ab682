#include "runtime/policy/boundaries.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/policy/places.h"

namespace freshet::policy {
namespace {

namespace fs = std::filesystem;

class Boundaries : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "freshet-policy-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = fs::canonical(name).string();
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string at(std::string_view name) const { return directory_ + "/" + std::string(name); }
  std::string make_directory(std::string_view name) {
    fs::create_directories(at(name));
    return at(name);
  }
  std::string make_file(std::string_view name) {
    std::ofstream(at(name)) << "x";
    return at(name);
  }

  std::string directory_;
};

config::RootConfig root(std::string path) {
  config::RootConfig out;
  out.path = std::move(path);
  return out;
}

config::ChannelConfig channel(std::string name, std::vector<config::RootConfig> roots) {
  config::ChannelConfig out;
  out.name = std::move(name);
  out.roots = std::move(roots);
  return out;
}

std::vector<std::string> codes(const std::vector<Violation>& violations) {
  std::vector<std::string> out;
  for (const Violation& v : violations) {
    EXPECT_FALSE(v.what.empty());
    EXPECT_FALSE(v.remedy.empty());
    out.push_back(v.code);
  }
  return out;
}

HostFacts fake_host() {
  HostFacts out;
  out.homes = {"/root", "/home/ann", "/data/people/bob"};
  out.state_dir = "/var/lib/freshet";
  out.root = true;
  return out;
}

// The codes about the place alone: most of these directories are not on this machine.
std::vector<std::string> place_codes(const std::string& path, bool i_know = false,
                                     const HostFacts& host = fake_host()) {
  config::RootConfig r = root(path);
  r.optional = true;
  r.i_know_what_this_is = i_know;
  std::vector<std::string> out;
  for (const std::string& code : codes(check_roots(channel("c", {r}), host))) {
    if (code == "F1010" || code == "F1011") out.push_back(code);
  }
  return out;
}

using Codes = std::vector<std::string>;

TEST_F(Boundaries, TheKernelsPlacesAreNeverRoots) {
  for (const std::string path : {"/", "/proc", "/proc/1", "/sys", "/sys/fs", "/dev", "/dev/shm"}) {
    EXPECT_EQ(place_codes(path), Codes{"F1010"}) << path;
    EXPECT_EQ(place_codes(path, true), Codes{"F1010"}) << path << " with i-know-what-this-is";
  }
  EXPECT_EQ(place_codes("/devices"), Codes{}) << "only whole names count";
}

TEST_F(Boundaries, PlacesOfTheSystemAndHomesNeedTheOperatorsWord) {
  for (const std::string path : {"/home", "/etc", "/usr", "/boot", "/bin", "/lib", "/var", "/var/lib",
                                 "/root", "/home/ann", "/data/people/bob", "/data/people", "/data"}) {
    EXPECT_EQ(place_codes(path), Codes{"F1011"}) << path;
    EXPECT_EQ(place_codes(path, true), Codes{}) << path << " with i-know-what-this-is";
  }
}

TEST_F(Boundaries, AnotherNameOfAProtectedPlaceIsThatPlace) {
  const std::string real = make_directory("real");
  make_directory("real/below");
  fs::create_directory_symlink(real, at("name"));
  EXPECT_EQ(place_codes(real), Codes{});
  HostFacts host = fake_host();
  host.homes.push_back(at("name"));
  EXPECT_EQ(place_codes(real, false, host), Codes{"F1011"});
  EXPECT_EQ(place_codes(real, true, host), Codes{});
  EXPECT_EQ(place_codes(real + "/below", false, host), Codes{});
  host = fake_host();
  host.state_dir = at("name");
  EXPECT_EQ(place_codes(real, true, host), Codes{"F1011"});
}

TEST_F(Boundaries, BelowAHomeAndUsualPlacesAreFine) {
  for (const std::string path :
       {"/home/ann/.cache", "/home/ann2", "/var/cache", "/var/cache/web", "/var/log", "/tmp", "/var/tmp",
        "/srv/www/cache", "/data2", "/var/lib/freshet2", "/opt/app/cache"}) {
    EXPECT_EQ(place_codes(path), Codes{}) << path;
  }
}

TEST_F(Boundaries, TheStateDirectoryIsNeverARootNorAnythingInIt) {
  for (const std::string path : {"/var/lib/freshet", "/var/lib/freshet/plans"}) {
    EXPECT_EQ(place_codes(path), Codes{"F1011"}) << path;
    EXPECT_EQ(place_codes(path, true), Codes{"F1011"}) << path << " with i-know-what-this-is";
  }
  HostFacts host = fake_host();
  host.state_dir = "/srv/state/freshet";
  EXPECT_EQ(place_codes("/srv/state", false, host), Codes{"F1011"});
  EXPECT_EQ(place_codes("/srv/state", true, host), Codes{});
}

TEST_F(Boundaries, AGrantedAncestorLeavesTheStateDirectoryOut) {
  EffectivePermission permission;
  permission.roots = {root("/var/lib"), root("/var/cache"), root("/var")};
  permission.roots[2].exclude = {"/var/lib"};
  exclude_state_dir(permission, fake_host());
  EXPECT_EQ(permission.roots[0].exclude, Codes{"/var/lib/freshet"});
  EXPECT_EQ(permission.roots[1].exclude, Codes{});
  EXPECT_EQ(permission.roots[2].exclude, Codes{"/var/lib"}) << "excluded already";
}

TEST_F(Boundaries, RealPlacesBehindLinksAreProtectedToo) {
  HostFacts host = fake_host();
  host.real_places = {"/system/usr/bin"};
  EXPECT_EQ(place_codes("/system/usr/bin", false, host), Codes{"F1011"});
  EXPECT_EQ(place_codes("/system/usr", false, host), Codes{"F1011"});
  EXPECT_EQ(place_codes("/system/usr/bin/cache", false, host), Codes{});
}

TEST_F(Boundaries, ARootMustExistUnlessItIsOptional) {
  config::RootConfig missing = root(at("a/b"));
  EXPECT_EQ(codes(check_roots(channel("c", {missing}), fake_host())), Codes{"F1012"});
  EXPECT_NE(check_roots(channel("c", {missing}), fake_host())[0].what.find("`" + at("a") + "` is missing"),
            std::string::npos);
  missing.optional = true;
  EXPECT_TRUE(check_roots(channel("c", {missing}), fake_host()).empty());
  EXPECT_TRUE(check_roots(channel("c", {root(make_directory("there"))}), fake_host()).empty());
}

TEST_F(Boundaries, LinksOnTheWayAreRefusedAndNamed) {
  make_directory("real/inner");
  fs::create_directory_symlink(at("real"), at("link"));
  fs::create_symlink(at("nowhere"), at("dangling"));
  EXPECT_TRUE(check_roots(channel("c", {root(at("real/inner"))}), fake_host()).empty());
  for (const bool optional : {false, true}) {
    for (const std::string name : {"link", "link/inner", "dangling"}) {
      config::RootConfig r = root(at(name));
      r.optional = optional;
      const auto violations = check_roots(channel("c", {r}), fake_host());
      EXPECT_EQ(codes(violations), Codes{"F1013"}) << name;
    }
  }
  EXPECT_NE(
      check_roots(channel("c", {root(at("link/inner"))}), fake_host())[0].what.find("`" + at("link") + "`"),
      std::string::npos);
}

TEST_F(Boundaries, WhatIsNoDirectoryIsRefused) {
  make_file("file");
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
  for (const std::string name : {"file", "file/below", "fifo"}) {
    EXPECT_EQ(codes(check_roots(channel("c", {root(at(name))}), fake_host())), Codes{"F1013"}) << name;
  }
}

TEST_F(Boundaries, ARootBehindAClosedDoorIsSaidToBe) {
  make_directory("closed/inner");
  fs::permissions(at("closed"), fs::perms::none);
  // No door is closed to root.
  const uid_t self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);
  const auto found = codes(check_roots(channel("c", {root(at("closed/inner"))}), fake_host()));
  ASSERT_EQ(::seteuid(self), 0);
  EXPECT_EQ(found, Codes{"F1015"});
  fs::permissions(at("closed"), fs::perms::owner_all);
}

TEST_F(Boundaries, AnExcludeMustLieBelowItsRoot) {
  config::RootConfig r = root(make_directory("r"));
  r.exclude = {at("r/inner")};
  EXPECT_TRUE(check_roots(channel("c", {r}), fake_host()).empty());
  r.exclude = {at("r"), at("r2"), "r/inner", at("r/../x")};
  EXPECT_EQ(codes(check_roots(channel("c", {r}), fake_host())), (Codes{"F1014", "F1014", "F1014", "F1014"}));
}

TEST_F(Boundaries, EveryViolationOfEveryRootComesAtOnce) {
  const auto all = codes(check_roots(
      channel("c", {root("/"), root("/etc"), root(at("missing")), root("relative")}), fake_host()));
  EXPECT_EQ(all, (Codes{"F1010", "F1011", "F1012", "F1010"}));
}

config::Config two_channels(config::RootConfig a, config::RootConfig b) {
  config::Config out;
  out.channels.emplace("a", channel("a", {std::move(a)}));
  out.channels.emplace("b", channel("b", {std::move(b)}));
  return out;
}

TEST_F(Boundaries, OverlappingChannelsAreRefusedInBothDirections) {
  for (const auto& [x, y] : {std::pair{"/c", "/c"}, std::pair{"/c", "/c/d/e"}, std::pair{"/c/d", "/c"}}) {
    EXPECT_EQ(codes(check_overlaps(two_channels(root(x), root(y)))), Codes{"F1020"}) << x << " " << y;
  }
  for (const auto& [x, y] : {std::pair{"/c", "/cd"}, std::pair{"/c-d", "/c"}, std::pair{"/c/a", "/c/b"},
                             std::pair{"/c/a-b", "/c/a/b"}}) {
    EXPECT_EQ(codes(check_overlaps(two_channels(root(x), root(y)))), Codes{}) << x << " " << y;
  }
}

TEST_F(Boundaries, AnExcludeOfTheOuterRootMakesRoom) {
  config::RootConfig outer = root("/c");
  outer.exclude = {"/c/d"};
  EXPECT_EQ(codes(check_overlaps(two_channels(outer, root("/c/d")))), Codes{});
  EXPECT_EQ(codes(check_overlaps(two_channels(outer, root("/c/d/e")))), Codes{});
  EXPECT_EQ(codes(check_overlaps(two_channels(outer, root("/c/de")))), Codes{"F1020"});
  config::RootConfig inner = root("/c/d");
  inner.exclude = {"/c/d/x"};
  EXPECT_EQ(codes(check_overlaps(two_channels(root("/c"), inner))), Codes{"F1020"})
      << "the inner one's excludes do not help";
}

TEST_F(Boundaries, EveryOverlappingPairIsNamed) {
  config::Config config = two_channels(root("/c"), root("/c/d"));
  config.channels.emplace("x", channel("x", {root("/c/d/e"), root("/other")}));
  EXPECT_EQ(codes(check_overlaps(config)), (Codes{"F1020", "F1020", "F1020"}));
}

// Asked for one channel, the answer is the part of the whole that names it.
TEST_F(Boundaries, TheOverlapsOfOneChannelAreThoseOfAllThatNameIt) {
  config::Config config = two_channels(root("/c"), root("/c/d"));
  config.channels.emplace("x", channel("x", {root("/c/d/e"), root("/c"), root("/apart")}));
  config.channels.emplace("y", channel("y", {root("/elsewhere")}));
  const auto all = check_overlaps(config);
  EXPECT_EQ(all.size(), 5U);
  for (const auto& [name, unused] : config.channels) {
    std::size_t expected = 0;
    for (const Violation& v : all) expected += v.what.find("channel `" + name + "`") != std::string::npos;
    const auto own = check_overlaps_of(config, name);
    EXPECT_EQ(codes(own), Codes(expected, "F1020")) << name;
  }
  EXPECT_TRUE(check_overlaps_of(config, "unknown").empty());
}

TEST_F(Boundaries, RootsOfOneChannelDoNotOverlapWithThemselves) {
  config::Config config;
  config.channels.emplace("a", channel("a", {root("/c"), root("/c/d")}));
  EXPECT_EQ(codes(check_overlaps(config)), Codes{});
}

TEST_F(Boundaries, AGeneratedChannelOfDisabledTasksIsLeftOut) {
  config::Config config = two_channels(root("/c"), root("/c/d"));
  config.channels.at("b").generated = true;
  config.tasks["b"].channel = "b";
  config.tasks["b"].enabled = false;
  EXPECT_EQ(codes(check_overlaps(config)), Codes{});
  EXPECT_EQ(codes(check_overlaps_of(config, "a")), Codes{});
  config.tasks["b"].enabled = true;
  EXPECT_EQ(codes(check_overlaps_of(config, "a")), Codes{"F1020"});
  EXPECT_EQ(codes(check_overlaps(config)), Codes{"F1020"});
}

// The mode of temporary directories on the way does not matter to these: they belong to root where the tests
// are root.
class Writable : public Boundaries {
 protected:
  void SetUp() override {
    Boundaries::SetUp();
    if (::geteuid() != 0) GTEST_SKIP() << "files of root can only be made by root";
    std::string way;
    for (const fs::path& part : fs::path(directory_)) {
      way = (fs::path(way) / part).string();
      struct stat info {};
      ASSERT_EQ(::stat(way.c_str(), &info), 0);
      const bool others_write = (info.st_mode & 022) != 0 && (info.st_mode & S_ISVTX) == 0;
      if (info.st_uid != 0 || others_write)
        GTEST_SKIP() << way << " belongs to, or can be written by, others on this machine";
    }
    make_directory("etc");
    make_file("etc/freshet.toml");
    set_mode("etc/freshet.toml", 0644);
  }
  void set_mode(std::string_view name, mode_t mode) { ASSERT_EQ(::chmod(at(name).c_str(), mode), 0); }
  void set_owner(std::string_view name, uid_t uid) { ASSERT_EQ(::lchown(at(name).c_str(), uid, 0), 0); }
  [[nodiscard]] std::vector<std::string> found(std::string_view name) const {
    return codes(check_not_writable_by_others(at(name), "configuration", fake_host()));
  }
};

TEST_F(Writable, ARelativePathIsLookedAtFromTheWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(at("etc"));
  const auto look = [&](std::string_view path) { return codes(check_not_writable_by_others(path, "configuration", fake_host())); };
  EXPECT_EQ(look("freshet.toml"), Codes{});
  set_mode("etc/freshet.toml", 0646);
  for (const char* path : {"freshet.toml", "./freshet.toml", "../etc/freshet.toml"}) EXPECT_EQ(look(path), Codes{"F1030"}) << path;
  set_mode("etc/freshet.toml", 0644);
  set_mode("etc", 0777);
  EXPECT_EQ(look("freshet.toml"), Codes{"F1030"});
  fs::current_path(before);
}

TEST_F(Writable, RootsOwnFileIsFine) {
  EXPECT_EQ(found("etc/freshet.toml"), Codes{});
}

TEST_F(Writable, GroupAndWorldAreOthers) {
  set_mode("etc/freshet.toml", 0664);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
  set_mode("etc/freshet.toml", 0646);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
}

TEST_F(Writable, AnotherOwnerIsRefused) {
  set_owner("etc/freshet.toml", 1000);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
}

TEST_F(Writable, ADirectoryOnTheWayCounts) {
  set_mode("etc", 0777);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
  set_mode("etc", 0755);
  set_owner("etc", 1000);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
}

TEST_F(Writable, RootsStickyDirectoryIsSafeOnTheWayButNotAtTheEnd) {
  set_mode("etc", 01777);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{});
  EXPECT_EQ(found("etc"), Codes{"F1030"}) << "what others add to a plugin directory would be loaded";
  set_owner("etc/freshet.toml", 1000);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"});
  set_owner("etc/freshet.toml", 0);
  set_owner("etc", 1000);
  EXPECT_EQ(found("etc/freshet.toml"), Codes{"F1030"})
      << "the owner of a sticky directory may replace anything in it";
}

TEST_F(Writable, LinksAreFollowedAndTheirDirectoriesLookedAt) {
  make_directory("open");
  set_mode("open", 0777);
  fs::create_symlink(at("etc/freshet.toml"), at("open/link"));
  EXPECT_EQ(found("open/link"), Codes{"F1030"});
  fs::create_symlink("../open/../etc/freshet.toml", at("etc/relative"));
  EXPECT_EQ(found("etc/relative"), Codes{"F1030"}) << "the way leads through `open`";
  set_mode("open", 0755);
  EXPECT_EQ(found("open/link"), Codes{});
  EXPECT_EQ(found("etc/relative"), Codes{});
  set_owner("etc/relative", 1000);
  EXPECT_EQ(found("etc/relative"), Codes{"F1030"});
}

TEST_F(Writable, LoopsAndMissingPathsEnd) {
  fs::create_symlink(at("loop"), at("loop"));
  EXPECT_EQ(found("loop"), Codes{});
  EXPECT_EQ(found("etc/missing/freshet.toml"), Codes{});
}

TEST_F(Writable, AnOrdinaryUserIsNotAsked) {
  set_mode("etc/freshet.toml", 0666);
  HostFacts host = fake_host();
  host.root = false;
  EXPECT_TRUE(check_not_writable_by_others(at("etc/freshet.toml"), "configuration", host).empty());
}

TEST(UidBase, OverlapIsFoundAtBothEnds) {
  config::Config config;
  config.uid_base = 1'000'000;
  // Ids 1,000,000 to 1,065,535.
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "")), Codes{});
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "ann:100000:900000\nbob:1065536:65536\n")), Codes{});
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "ann:100000:900001\n")), Codes{"F1051"});
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "bob:1065535:65536")), Codes{"F1051"});
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "eve:0:4294967295\n")), Codes{"F1051"});
  EXPECT_EQ(codes(check_uid_base(config, "/etc/subuid", "# no\n\nx\nx:y\nann:b:c\nann:1000000:0\n:::\n")),
            Codes{});
}

TEST(UidBase, TheLineAndItsUserAreNamed) {
  config::Config config;
  const auto found = check_uid_base(config, "/etc/subuid", "ann:100000:65536\nbob:1879048190:65536\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].what.find("/etc/subuid:2"), std::string::npos) << found[0].what;
  EXPECT_NE(found[0].what.find("`bob`"), std::string::npos);
}

TEST(HostFactsOf, HomesArePeoplesHomes) {
  const auto homes = homes_in_passwd(
      "root:x:0:0:root:/root:/bin/bash\n"
      "man:x:6:12:man:/var/cache/man:/usr/sbin/nologin\n"
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
      "ann:x:1000:1000:Ann,,,:/home/ann/:/bin/bash\n"
      "bob:x:1001:1001::/home/bob\n"
      "slash:x:1002:1002::/:/bin/sh\n"
      "broken:x:abc:1::/home/broken:/bin/sh\n"
      "short:x:1003\n"
      "relative:x:1004:1:::\n"
      "last:x:1005:1::/home/last:/bin/sh");
  EXPECT_EQ(homes, (Codes{"/root", "/home/ann", "/home/bob", "/home/last"}));
}

TEST(HostFactsOf, EveryCutPasswdFileIsRead) {
  const std::string text = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    for (const std::string& home : homes_in_passwd(std::string_view(text).substr(0, length)))
      EXPECT_EQ(home.front(), '/');
  }
}

TEST(HostFactsOf, TheStateDirectoryIsTheRealOne) {
  std::string name = (fs::temp_directory_path() / "freshet-facts-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  fs::create_directory(name + "/real");
  fs::create_directory_symlink(name + "/real", name + "/link");
  const HostFacts facts = find_host_facts(name + "/link/not/yet", {"/etc/freshet/freshet.toml"});
  EXPECT_EQ(facts.state_dir, fs::canonical(name).string() + "/real/not/yet");
  EXPECT_EQ(facts.root, ::geteuid() == 0);
  EXPECT_EQ(facts.config_files.size(), 1U);
  EXPECT_FALSE(facts.homes.empty());
  fs::remove_all(name);
}

}  // namespace
}  // namespace freshet::policy
