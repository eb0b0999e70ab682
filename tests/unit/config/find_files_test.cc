#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "config_files.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

// Sets a variable of the environment and gives it back at the end.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (old_)
      ::setenv(name_, old_->c_str(), 1);
    else
      ::unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(FindFiles, TheStandardNameBringsItsFolderInNameOrder) {
  ConfigFiles files;
  const std::string file = files.write("freshet.toml", "");
  for (const char* name : {"conf.d/20-b.toml", "conf.d/10-z.toml", "conf.d/.hidden.toml", "conf.d/readme.md",
                           "conf.d/x.toml~"}) {
    files.write(name, "");
  }
  const auto found = find_config_files(file);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(*found,
            (std::vector<std::string>{file, files.path("conf.d/10-z.toml"), files.path("conf.d/20-b.toml")}));
}

TEST(FindFiles, AnotherNameStandsAlone) {
  ConfigFiles files;
  const std::string file = files.write("mine.toml", "");
  files.write("conf.d/10.toml", "");
  EXPECT_EQ(find_config_files(file), (std::vector<std::string>{file}));
}

TEST(FindFiles, AMissingFileIsSaidWithTheSmallestConfiguration) {
  const auto found = find_config_files("/nonexistent/x.toml");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::missing);
  EXPECT_TRUE(has(found.error().what, "/nonexistent/x.toml"));
  EXPECT_TRUE(has(found.error().detail, "[task."));
}

TEST(FindFiles, TheSmallestConfigurationShownIsOne) {
  const auto found = find_config_files("/nonexistent/x.toml");
  ASSERT_FALSE(found);
  const std::string& detail = found.error().detail;
  EXPECT_EQ(good(detail.substr(detail.find('\n') + 1)).tasks.size(), 1U);
}

TEST(FindFiles, WhatIsNoFileIsRefused) {
  const auto folder = find_config_files("/tmp");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, ErrorKind::invalid);
  ConfigFiles files;
  ASSERT_EQ(::mkfifo(files.path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(find_config_files(files.path("fifo")));
}

TEST(FindFiles, AFolderThatCannotBeListedIsAnError) {
  ConfigFiles files;
  const std::string file = files.write("freshet.toml", "");
  files.write("conf.d", "a file, not a folder");
  const auto found = find_config_files(file);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::system);
  EXPECT_TRUE(has(found.error().what, "conf.d"));
}

TEST(FindFiles, AnOrdinaryUsersPlaceFollowsXdg) {
  ConfigFiles files;
  files.write("xdg/freshet/freshet.toml", "");
  files.write("home/.config/freshet/freshet.toml", "");
  ASSERT_EQ(::chmod(files.path("").c_str(), 0755), 0);
  const Variable home("HOME", files.path("home"));
  const Variable xdg("XDG_CONFIG_HOME", files.path("xdg"));
  const uid_t self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);
  const auto by_xdg = find_config_files(std::nullopt);
  ::setenv("XDG_CONFIG_HOME", "relative", 1);
  const auto by_home = find_config_files(std::nullopt);
  ASSERT_EQ(::seteuid(self), 0);
  ASSERT_TRUE(by_xdg) << by_xdg.error().what;
  EXPECT_EQ(by_xdg->at(0), files.path("xdg/freshet/freshet.toml"));
  ASSERT_TRUE(by_home) << by_home.error().what;
  EXPECT_EQ(by_home->at(0), files.path("home/.config/freshet/freshet.toml"));
}

}  // namespace
}  // namespace freshet::config
