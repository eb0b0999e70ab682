#include "runtime/cli/places.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace freshet::cli {
namespace {

// In a child, so that the other tests keep their rights and environment.
bool holds_as_user(bool (*question)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    ::_exit(question() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Places, AUserHasAStateDirectoryOfHisOwn) {
  EXPECT_TRUE(holds_as_user([] {
    ::setenv("XDG_STATE_HOME", "/x/state", 1);
    const auto dir = find_state_dir();
    return dir && *dir == "/x/state/freshet";
  }));
  EXPECT_TRUE(holds_as_user([] {
    ::setenv("XDG_STATE_HOME", "relative", 1);  // the specification says: ignore it
    ::setenv("HOME", "/x/home", 1);
    const auto dir = find_state_dir();
    return dir && *dir == "/x/home/.local/state/freshet";
  }));
}

TEST(Places, RootHasTheSystemsStateDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ::setenv("XDG_STATE_HOME", "/x/state", 1);
  const auto dir = find_state_dir();
  ::unsetenv("XDG_STATE_HOME");
  ASSERT_TRUE(dir);
  EXPECT_EQ(*dir, "/var/lib/freshet");
}

}  // namespace
}  // namespace freshet::cli
