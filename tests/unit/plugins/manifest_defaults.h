#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "runtime/manifest/reader.h"
#include "tests/unit/plugins/fake_host.h"

namespace freshet_test {

// Holds the settings that a test starts from against the manifest in the plugin's file: the same names in the same order,
// the same types and defaults; those in `required` have none, for the operator has to give them.
inline void expect_the_manifests_defaults(const char* file, const std::string& id, const std::string& kind_name,
                                          const FakeSettings& settings, const std::set<std::string>& required) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  const auto facts = freshet::manifest::read_elf(bytes.str());
  ASSERT_TRUE(facts) << facts.error().what;
  const auto manifest = freshet::manifest::parse_manifest(facts->manifest_text);
  ASSERT_TRUE(manifest) << manifest.error().what << "\n" << manifest.error().detail;
  EXPECT_EQ(manifest->id, id);
  EXPECT_TRUE(freshet::manifest::check_abi(*manifest));
  const auto* kind = freshet::manifest::find_kind(*manifest, kind_name);
  ASSERT_NE(kind, nullptr);

  ASSERT_EQ(kind->settings.size(), settings.count());
  for (std::size_t i = 0; i < kind->settings.size(); ++i) {
    const auto& schema = kind->settings[i];
    const freshet_setting& ours = settings.data()[i];
    EXPECT_EQ(schema.name, ours.name) << "the same order";
    EXPECT_EQ(static_cast<freshet_value_type>(schema.type), ours.type) << schema.name;
    EXPECT_FALSE(schema.doc.empty()) << schema.name;
    EXPECT_EQ(schema.default_value.has_value(), !required.contains(schema.name)) << schema.name;
    if (!schema.default_value) continue;
    if (const auto* flag = std::get_if<bool>(&*schema.default_value)) {
      EXPECT_EQ(*flag, ours.integer != 0) << schema.name;
    }
    if (const auto* integer = std::get_if<std::int64_t>(&*schema.default_value)) {
      EXPECT_EQ(*integer, ours.integer) << schema.name;
    }
    if (const auto* text = std::get_if<std::string>(&*schema.default_value)) {
      EXPECT_EQ(*text, std::string(ours.string.data, ours.string.length)) << schema.name;
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&*schema.default_value)) {
      ASSERT_EQ(texts->size(), ours.count) << schema.name;
      for (std::size_t k = 0; k < texts->size(); ++k)
        EXPECT_EQ((*texts)[k], std::string(ours.strings[k].data, ours.strings[k].length));
    }
  }
}

}  // namespace freshet_test
