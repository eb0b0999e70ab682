#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::cli {

enum class PluginLanguage { c, cpp };

// What a new plugin is to be. Every text has passed check_plugin_wish.
struct PluginWish {
  std::string name;     // of its task kind and its files: "old-dumps"
  std::string id;       // "org.example.old-dumps"
  std::string license;  // an SPDX expression
  PluginLanguage language = PluginLanguage::cpp;
  bool ci = false;
};

// Error kind `invalid`, with what would do: the texts go into TOML, CMake and C sources as they are.
Status check_plugin_name(std::string_view name);
Status check_plugin_id(std::string_view id);
Status check_plugin_license(std::string_view license);

struct TemplateFile {
  std::string path;  // relative; its folders come with it
  std::string text;
};

// A whole project: builds against the installed SDK, passes `freshet plugins check`, has a test.
std::vector<TemplateFile> make_plugin_template(const PluginWish& wish);

}  // namespace freshet::cli
