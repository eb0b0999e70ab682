#include "runtime/report/table.h"

#include <gtest/gtest.h>

namespace freshet::report {
namespace {

using enum Table::Align;

TEST(Table, ColumnsAlignAndNoLineEndsInBlanks) {
  Table table({left, right, left});
  table.add({{"a"}, {"1"}, {"first"}});
  table.add({{"日本"}, {"1,000"}, {""}});
  table.add({{""}, {"20"}, {"third"}});
  EXPECT_EQ(table.render({.unicode = true}, 2),
            "  a         1  first\n"
            "  日本  1,000\n"
            "           20  third\n");
}

TEST(Table, ColourDoesNotMoveColumns) {
  Table table({left, left});
  table.add({{"ab", Paint::good}, {"x"}});
  table.add({{"abcd"}, {"y"}});
  EXPECT_EQ(table.render({.colour = true}, 0), "\x1b[32mab\x1b[0m    x\nabcd  y\n");
}

}  // namespace
}  // namespace freshet::report
