#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "runtime/cli/session.h"

// Actions of `freshet plugins` that have a file of their own.
namespace freshet::cli {

// A plugin by file or by the id of an installed one, or the exit code.
std::expected<PluginFacts, int> find_plugin(Session& session, IPluginInspection& inspection, const std::string& word);

int approve_plugin(Session& session, Manager& manager, const Arguments& arguments);
int revoke_plugin(Session& session, Manager& manager, const Arguments& arguments);
int upgrade_plugin(Session& session, Manager& manager, const Arguments& arguments);
int verify_plugins(Session& session, Manager& manager, const Arguments& arguments);

// The directories of --root, absolute. Error kind `missing`.
Result<std::vector<std::string>> existing_roots(const Arguments& arguments);
// What --set NAME=VALUE says, or the exit code.
std::expected<std::map<std::string, std::string>, int> given_settings(Session& session, const Arguments& arguments);

// These need no manager.
int new_plugin(Session& session, const Arguments& arguments);
int check_plugin(Session& session, const Arguments& arguments);
int run_plugin(Session& session, const Arguments& arguments);
int record_plugin_tree(Session& session, const Arguments& arguments);

}  // namespace freshet::cli
