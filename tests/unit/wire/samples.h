// One message of every kind with every field filled, lists with two members: what a test of all messages goes through.
#pragma once

#include "runtime/wire/manifest_message.h"
#include "runtime/wire/messages.h"
#include "runtime/wire/proof_message.h"

namespace freshet::wire::testing {

inline Setting sample_setting() {
  return {"older-than", SettingTag::duration, -5, 0.25, "text", {"a", std::string("b\0c", 3)}};
}

inline Identity sample_identity() { return {77, -1, EntryType::symlink, 123456789, 4096}; }

inline Setup sample_setup() {
  Setup setup;
  setup.role = Role::broker;
  setup.strict = false;
  setup.uid = 1879048192;
  setup.keep_capabilities = 0x8000000000000002;
  setup.roots = {{"/var/cache/web", true, false, {"live", "a/b"}, 254, 99, false, 2, "cache/web"}, {"/srv", false, true, {}, 1, 2, true, 0, ""}};
  setup.areas = {".freshet", ""};
  setup.tops = {{"/", 1, 2}, {"/dev/mqueue", 254, 3, TopUse::queues}};
  setup.filter = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 10, 11, 12, 13, 14, 15, 16}};
  return setup;
}

inline IpcObject sample_ipc_object() { return {IpcKind::posix_sem, "sem.x", 5, -6, 33, 34, 1, 2, 3, 4, 5, 6, 7}; }

inline Begin sample_begin() {
  Begin begin;
  begin.phase = BrokerPhase::purge;
  begin.channel = "web-cache";
  begin.run = "20261124T210000Z-1";
  begin.task = 7;
  begin.unlink = true;
  begin.max_entries = 10;
  begin.not_younger_than_ns = 5;
  begin.not_after_ns = 6;
  begin.key[3] = 9;
  return begin;
}

inline Inspected sample_inspected() {
  Inspected message;
  manifest::Manifest& manifest = message.manifest;
  manifest.id = "org.freshet.expired-files";
  manifest.version = "1.0.0";
  manifest.license = "MIT";
  manifest.doc = "Old files";
  manifest.abi_below = {1, 0};
  manifest.required_permissions = {"remove"};
  manifest.optional_permissions = {"read"};
  manifest.limits = {64 << 20, 1, 2, 3, 4};
  manifest.irreversible = true;
  manifest.locks = {{"/var/lib/dpkg/lock", true}, {"/run/lock", false}};
  manifest::TaskKind kind;
  kind.name = "expired-files";
  kind.after = {"other"};
  kind.requires_ = {"another"};
  manifest::SettingSchema list{"keep", manifest::SettingType::list_of_strings, "globs", {}, {}, {"a", "b"}};
  list.default_value = std::vector<std::string>{"*.lock"};
  manifest::SettingSchema number{"share", manifest::SettingType::number, "of all", 0.5, std::pair{0.0, 1.0}, {}};
  manifest::SettingSchema flag{"on", manifest::SettingType::boolean, "", true, {}, {}};
  manifest::SettingSchema size{"min-size", manifest::SettingType::size, "", std::int64_t{7}, {}, {}};
  manifest::SettingSchema text{"owner", manifest::SettingType::string, "", std::string("root"), {}, {}};
  kind.settings = {list, number, flag, size, text};
  manifest.kinds = {kind, kind};
  message.stripped = true;
  return message;
}

// Calls each(message) for one filled message of every type.
template <class F>
void for_each_message(F&& each) {
  each(Hello{kMagic, 3, Role::probe});
  each(sample_setup());
  each(Locked{{"MDWE: no", "keyring: no"}});
  each(Canary{1234});
  each(Failed{"F2010", "it said no", -1});
  each(Load{"expired-files", {"expired-files", "x"}, {sample_setting(), sample_setting()}, {"org.freshet.in-use", "y"}, 42});
  each(Rehearse{true});
  each(TreePart{"freshet-tree 1\n", true});
  each(Loaded{true});
  each(Scan{-42});
  each(ScanEnd{-2, 10, 3});
  each(Release{});
  each(Released{1, 2, 3, 4, 5, 6, 7});
  each(Prove{});
  each(Proved{{{Attempt::connect, kNoDirectory, 1}, {Attempt::write_grant, 3, 30}}, 4});
  each(Cancel{});
  each(Verify{42});
  each(sample_begin());
  each(Slots{{{1, 0, "a/b", 2, 3}, {2, 1, "", 4, 5}}, true});
  each(SlotsReady{2});
  each(Units{{{0, 1, "name", sample_identity(), true, 5, 6, {7, 8}}, {1, 1, "other", sample_identity(), false, 1, 2, {}}}});
  each(Outcomes{{{0, OutcomeCode::failed, 5, 0}, {1, OutcomeCode::removed, 0, 5}}});
  each(Finish{});
  each(Finished{1, 2, 3, 4, 5});
  each(InUse{254, {1, 2}});
  each(Purge{true, {0, 3}});
  each(Restore{});
  each(Restored{{{0, "a/b", RestoreCode::name_taken, 17}, {1, "c", RestoreCode::failed, 5}}});
  each(Trial{});
  each(Working{6, 7});
  each(IpcListing{{sample_ipc_object(), sample_ipc_object()}});
  each(Planned{{{1, "a/b", "c", EntryType::file, FindingKind::orphan, CostClass::redownloadable, 1, 2, 3, 4, "logs", "old"}}});
  each(IpcRemove{{sample_ipc_object(), sample_ipc_object()}});
  each(IpcOutcomes{{{IpcCode::in_use, 0}, {IpcCode::denied, 1}}});
  each(Inspect{{1, 2}});
  each(sample_inspected());
}

template <class F>
void for_each_event(F&& each) {
  each(DirectoryEvent{1, 0, 0, "name", 5, 6, 7});
  FindingEvent finding;
  finding.directory = 3;
  finding.name = "name";
  finding.identity = sample_identity();
  finding.kind = FindingKind::leftover;
  finding.cost = CostClass::redownloadable;
  finding.cost_bytes = 9;
  finding.reason = "mtime 41 d";
  each(finding);
  each(DirectoryEndEvent{1, 2, true});
  each(UnreadEvent{1, 0, "name", 13});
  each(ProgressEvent{1, 2, 3, 4});
  each(LogEvent{3, "text"});
  each(KeepEvent{7, "in use elsewhere"});
  each(IpcEvent{7, FindingKind::leftover, "nobody"});
  each(TogetherEvent{TogetherStep::commit});
  each(NeededEvent{1, "name", 5});
  each(NoteEvent{NoteKind::used_feature, "org.example.x"});
}

}  // namespace freshet::wire::testing
