#include "runtime/config/dependencies.h"

#include <gtest/gtest.h>

#include "config_files.h"

namespace freshet::config {
namespace {

constexpr std::string_view kTwo = R"([task.first]
plugin = "org.example.x"
roots = [{ path = "/a" }]
after = ["second", "thrid"]
[task.second]
plugin = "org.example.x"
roots = [{ path = "/b" }]
requires = ["first"]
)";

TEST(Dependencies, AnUnknownNameHasItsPlaceAndASuggestion) {
  Config config = good(std::string(kTwo) + "[task.third]\nplugin = \"org.example.x\"\nroots = [{ path = \"/c\" }]\n");
  const auto unknown = find_unknown_dependencies(config);
  ASSERT_EQ(unknown.size(), 1U) << describe(unknown);
  EXPECT_EQ(format(unknown[0]),
            "freshet.toml:4:20: error: task `first` is to run after `thrid`, but no task is named so\n"
            "  4 | after = [\"second\", \"thrid\"]\n"
            "    |                    ^\n"
            "  = help: did you mean `third`?");
  config.tasks.at("first").enabled = false;
  EXPECT_TRUE(find_unknown_dependencies(config).empty()) << "a disabled task waits for nobody";
}

TEST(Dependencies, ACircleHasThePlaceOfItsFirstEdge) {
  const Config config = good(kTwo);
  const Diagnostic circle = describe_cycle(config, {"second", "first", "second"});
  EXPECT_TRUE(has(circle.what, "second -> first -> second")) << circle.what;
  EXPECT_EQ(circle.position.line, 8U);
  EXPECT_EQ(circle.position.column, 13U);
  EXPECT_EQ(describe_cycle(config, {"by-a-manifest", "x", "by-a-manifest"}).position, Position{});
}

}  // namespace
}  // namespace freshet::config
