#include "runtime/conformance/judge_facts.h"

#include "runtime/base/bytes.h"
#include "runtime/conformance/rules.h"

namespace freshet::conformance {
namespace {

using manifest::SettingType;

constexpr std::size_t kLeastDoc = 8;

bool says_something(std::string_view doc, std::string_view name) { return doc.size() >= kLeastDoc && doc != name; }

std::string quoted(const std::string& doc) { return "`doc` is \"" + escape_bytes(doc) + "\""; }

void judge_kind(const manifest::TaskKind& kind, VerdictBook& book) {
  if (!says_something(kind.doc, kind.name)) book.fail("task-docs", "[task." + kind.name + "]", quoted(kind.doc));
  for (const manifest::SettingSchema& setting : kind.settings) {
    const std::string where = "[task." + kind.name + ".settings] " + setting.name;
    if (!says_something(setting.doc, setting.name)) book.fail("setting-docs", where, quoted(setting.doc));
    const bool ordered = setting.type == SettingType::integer || setting.type == SettingType::number || setting.type == SettingType::duration;
    if (ordered && !setting.range) book.fail("setting-ranges", where, "there is no `range`");
  }
}

}  // namespace

void judge_facts(const wire::Inspected& facts, VerdictBook& book) {
  for (const Rule& rule : all_rules()) {
    if (rule.name == "relro") break;
    book.tried(rule.name);  // those before it are refusals of a file
  }
  for (const std::string_view name : {"relro", "bind-now", "plugin-doc", "task-docs", "setting-docs", "setting-ranges", "abi-claim"}) book.tried(name);
  if (!facts.relro) book.fail("relro", "the file", "it has no segment PT_GNU_RELRO");
  if (!facts.bind_now) book.fail("bind-now", "the file", "its symbols are looked up when they are first used");
  const manifest::Manifest& manifest = facts.manifest;
  if (!says_something(manifest.doc, manifest.id)) book.fail("plugin-doc", "the manifest", quoted(manifest.doc));
  for (const manifest::TaskKind& kind : manifest.kinds) judge_kind(kind, book);
  const manifest::AbiVersion last{manifest.abi_min.major + 1, 0};
  if (manifest.abi_below > last)
    book.fail("abi-claim", "abi", "`below` is " + std::to_string(manifest.abi_below.major) + "." + std::to_string(manifest.abi_below.minor));
}

}  // namespace freshet::conformance
