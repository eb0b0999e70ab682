#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"

namespace freshet::config {

// A temporary folder of configuration files; removed at the end.
class ConfigFiles {
 public:
  ConfigFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "freshet-config-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~ConfigFiles() { std::filesystem::remove_all(directory_); }
  ConfigFiles(const ConfigFiles&) = delete;
  ConfigFiles& operator=(const ConfigFiles&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

  std::string write(std::string_view name, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    if (name.find('/') == std::string_view::npos) files_.push_back(path(name));
    return path(name);
  }

  // All files written so far (but those in folders), in that order.
  [[nodiscard]] std::expected<Config, std::vector<Diagnostic>> load_all() const { return load({files_}); }

 private:
  std::string directory_;
  std::vector<std::string> files_;
};

inline std::string describe(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) out += format(d) + "\n";
  return out;
}

// The configuration of one file; fails the test when there are errors.
inline Config good(std::string_view text) {
  auto loaded = load_texts({{"freshet.toml", std::string(text)}});
  if (!loaded) {
    ADD_FAILURE() << describe(loaded.error());
    return {};
  }
  return *loaded;
}

// The errors of one file; fails the test when there are none.
inline std::vector<Diagnostic> errors(std::string_view text) {
  auto loaded = load_texts({{"freshet.toml", std::string(text)}});
  if (!loaded) return loaded.error();
  ADD_FAILURE() << "no error in:\n" << text;
  return {};
}

// The only error of one file.
inline Diagnostic error(std::string_view text) {
  const auto all = errors(text);
  EXPECT_EQ(all.size(), 1U) << describe(all);
  return all.empty() ? Diagnostic{} : all.front();
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace freshet::config
