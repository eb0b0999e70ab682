#include "runtime/cli/console.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <thread>

#include "tests/unit/cli/terminal.h"

namespace freshet::cli {
namespace {

const Progress kStep{
    .task = "a", .phase = "scan", .scanned = 1, .found = 0, .done = 0, .total = 0, .bytes = 0};

TEST(Console, AReaderThatWentAwayEndsTheStreamAndIsNoError) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  Console console({.in = -1, .out = ends[1], .err = -1});
  bool goes_on = true;
  for (int i = 0; i < 100 && goes_on; ++i) goes_on = console.out(std::string(10'000, 'x'));
  EXPECT_FALSE(goes_on);
  EXPECT_TRUE(console.finish());
  ::close(ends[1]);
}

TEST(Console, AFullDiskIsAnError) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  Console console({.in = -1, .out = full, .err = -1});
  console.out("text");
  const Status finished = console.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, ErrorKind::system);
  ::close(full);
}

TEST(Console, ProgressIsDrawnOnATerminalAndErasedBeforeText) {
  const Terminal terminal;
  Console console({.in = -1, .out = -1, .err = terminal.program()});
  console.show_progress();
  for (int i = 0; i < 1000; ++i) console.progress(kStep);
  console.err("message\n");
  EXPECT_EQ(terminal.seen(), "\rscanning  1 entries  0 found  0 B  a\x1b[K\r\x1b[Kmessage\r\n")
      << "drawn once in a tenth of a second";
}

TEST(Console, ProgressIsNeverDrawnElsewhere) {
  const int file = ::memfd_create("err", 0);
  Console console({.in = -1, .out = -1, .err = file});
  console.show_progress();
  console.progress(kStep);
  EXPECT_EQ(::lseek(file, 0, SEEK_END), 0);
  EXPECT_FALSE(console.can_ask());
  ::close(file);
}

TEST(Console, OnlyYesIsYes) {
  for (const auto& [typed, want] :
       {std::pair{"y\n", true}, {"yes\n", true}, {"n\n", false}, {"\n", false}, {"yesterday\n", false}}) {
    const Terminal terminal;
    Console console({.in = terminal.program(), .out = -1, .err = terminal.program()});
    ASSERT_TRUE(console.can_ask());
    terminal.type(typed);
    EXPECT_EQ(console.ask("Remove?", {}), want) << typed;
  }
}

TEST(Console, AStopEndsTheQuestion) {
  const Terminal terminal;
  Console console({.in = terminal.program(), .out = -1, .err = terminal.program()});
  std::stop_source source;
  std::thread stopper([&source] { source.request_stop(); });
  EXPECT_EQ(console.ask("Remove?", source.get_token()), std::nullopt);
  stopper.join();
}

}  // namespace
}  // namespace freshet::cli
