// Every test plugin that a look at the file refuses (tests/plugins/refused), with its code and the culprit's name.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "runtime/manifest/reader.h"

namespace freshet::manifest {
namespace {

struct Case {
  const char* name;
  const char* code;     // "" where the file itself is good
  const char* culprit;  // has to be in the text
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class RefusedFile : public testing::TestWithParam<Case> {};

// As the probe does it.
Status look_at(std::string_view bytes) {
  const auto facts = read_elf(bytes);
  if (!facts) return std::unexpected(facts.error());
  const auto manifest = parse_manifest(facts->manifest_text);
  if (!manifest) return std::unexpected(manifest.error());
  return check_abi(*manifest);
}

TEST_P(RefusedFile, HasItsOwnCodeAndNamesTheCulprit) {
  std::ifstream file(std::string(TEST_PLUGINS "/refused/org.freshet.test.") + GetParam().name + ".so", std::ios::binary);
  ASSERT_TRUE(file) << "not built";
  std::stringstream bytes;
  bytes << file.rdbuf();
  const auto status = look_at(bytes.str());
  if (*GetParam().code == '\0') {
    EXPECT_TRUE(status) << status.error().code << " " << status.error().what;
    return;
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, GetParam().code) << status.error().what;
  EXPECT_EQ(status.error().kind, ErrorKind::invalid);
  EXPECT_NE((status.error().what + status.error().detail).find(GetParam().culprit), std::string::npos)
      << status.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedFile,
    testing::Values(Case{"not-elf", "F2001", "ELF"}, Case{"wrong-machine", "F2002", "183"},
                    Case{"truncated", "F2003", "beyond its end"}, Case{"no-manifest", "F2004", ".freshet.manifest"},
                    Case{"manifest-syntax", "F2005", "manifest:5:"}, Case{"deep-manifest", "F2005", "nested"},
                    Case{"missing-key", "F2006", "version"}, Case{"abi-range", "F2007", "7.0"}, Case{"newer-minor", "F2007", "1.999"},
                    Case{"no-entry", "F2008", "freshet_plugin_entry"},
                    Case{"two-exports", "F2009", "freshet_test_second_export"},
                    Case{"unknown-library", "F2014", "libfreshet_stranger.so"}, Case{"rpath", "F2015", "/opt/vendor/lib"},
                    Case{"auxiliary", "F2016", "libfreshet_stranger.so"}, Case{"text-relocation", "F2017", "-fPIC"},
                    Case{"executable-stack", "F2018", "stack"}, Case{"writable-code", "F2019", "segment"},
                    Case{"scattered-code", "F2019", "executable segments"},
                    Case{"too-large", "F2020", "68157440"}, Case{"large-manifest", "F2020", "65536"},
                    // What these do wrong shows only when they run.
                    Case{"plain", "", ""}, Case{"entry-fails", "", ""}, Case{"unannounced-kind", "", ""},
                    Case{"constructor-crash", "", ""}, Case{"constructor-hang", "", ""}),
    [](const auto& each) {
      std::string name = each.param.name;
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace freshet::manifest
