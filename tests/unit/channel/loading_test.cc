// The chain of refusals between a file and a task: the bytes, the probe, the worker.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "live_worker.h"
#include "runtime/manifest/manifest.h"
#include "runtime/wire/manifest_message.h"

namespace freshet::channel::testing {
namespace {

// ---- bytes ----

TEST(PluginBytes, AreHashedAndSealed) {
  TempTree tree;
  const std::string path = tree.file("p.so", "abc");
  auto bytes = read_plugin_file(path);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->size, 3U);
  EXPECT_EQ(bytes->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_LT(::pwrite(bytes->memfd.get(), "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(bytes->memfd.get(), 1), 0);
  EXPECT_NE(::ftruncate(bytes->memfd.get(), 10), 0);
  EXPECT_NE(::fcntl(bytes->memfd.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  std::ofstream(path) << "changed";
  char now[4] = {};
  EXPECT_EQ(::pread(bytes->memfd.get(), now, 3, 0), 3);
  EXPECT_STREQ(now, "abc");
}

TEST(PluginBytes, OfAnythingButAFileAreRefusedWithoutWaiting) {
  TempTree tree;
  ASSERT_EQ(::mkfifo((tree.path() + "/fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_plugin_file(tree.path() + "/fifo").has_value());
  EXPECT_FALSE(read_plugin_file(tree.path()).has_value());
  EXPECT_FALSE(read_plugin_file("/dev/zero").has_value());
  auto missing = read_plugin_file(tree.path() + "/none");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::missing);
}

TEST(PluginBytes, AtTheCapAreReadAndOverItRefused) {
  TempTree tree;
  const std::string path = tree.file("p.so");
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(manifest::kMaxPluginBytes)), 0);
  EXPECT_TRUE(read_plugin_file(path).has_value());
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(manifest::kMaxPluginBytes) + 1), 0);
  auto bytes = read_plugin_file(path);
  ASSERT_FALSE(bytes.has_value());
  EXPECT_EQ(bytes.error().code, "F2020");
}

// ---- probe ----

struct Probed {
  std::optional<wire::Inspected> inspected;
  End end;
};

Probed probe(const std::string& path, sandbox::SupportLimits limits = {}, bool strict = true) {
  Probed out;
  auto bytes = read_plugin_file(path);
  if (!bytes) {
    out.end = {EndReason::plugin, bytes.error().what, bytes.error().code};
    return out;
  }
  RoleRequest request;
  request.role = wire::Role::probe;
  request.plugin_memfd = bytes->memfd.get();
  request.uid = 1879048192;
  request.strict = strict;
  auto role = RoleProcess::start(spawner(), sandbox::find_host_support(limits), request);
  if (!role) {
    out.end = {EndReason::setup, role.error().what, role.error().code};
    return out;
  }
  (*role)->send_message(wire::Inspect{});
  if (const auto packet = (*role)->receive({})) {
    wire::Inspected inspected;
    if (wire::decode_message(*packet, inspected)) out.inspected = std::move(inspected);
  }
  out.end = (*role)->finish();
  return out;
}

TEST(Probe, TellsWhatAPluginSaysOfItself) {
  const Probed probed = probe(plugin_path("lister"));
  ASSERT_TRUE(probed.inspected.has_value()) << probed.end.code << " " << probed.end.what;
  EXPECT_EQ(probed.inspected->manifest.id, "org.freshet.test");
  ASSERT_EQ(probed.inspected->manifest.kinds.size(), 1U);
  EXPECT_EQ(probed.inspected->manifest.kinds[0].name, "act");
  EXPECT_EQ(probed.end.reason, EndReason::none);
}

TEST(Probe, WorksWithoutNamespacesToo) {
  const Probed probed = probe(plugin_path("lister"), {.no_namespaces = true}, false);
  EXPECT_TRUE(probed.inspected.has_value()) << probed.end.what;
}

TEST(Probe, RefusesWhatIsNoPluginWithACode) {
  TempTree tree;
  const Probed text = probe(tree.file("text.so", "not a plugin"));
  EXPECT_EQ(text.end.reason, EndReason::plugin);
  EXPECT_EQ(text.end.code, "F2001");
  EXPECT_EQ(probe(tree.file("empty.so", "")).end.code, "F2001");
  EXPECT_EQ(probe(role_executable()).end.code, "F2004");
}

// ---- worker ----

Outcome load_only(const std::string& name, WorkerOptions options = {}) {
  TempTree tree;
  const OpenRoot root = open_root(tree.path());
  options.resources.wall_ns = 60'000'000'000;
  options.resources.cpu_ns = 1'000'000'000;
  return run_plugin(name, "", {&root}, options);
}

TEST(Loading, AConstructorThatCrashesIsTheLoadersRefusal) {
  const Outcome outcome = load_only("constructor_crash");
  EXPECT_EQ(outcome.end.reason, EndReason::signal) << outcome.end.what;
  EXPECT_EQ(outcome.end.code, "F2013");
}

TEST(Loading, AConstructorThatHangsIsTheLoadersRefusal) {
  const Outcome outcome = load_only("constructor_hang");
  EXPECT_EQ(outcome.end.reason, EndReason::limit) << outcome.end.what;
  EXPECT_EQ(outcome.end.code, "F2013");
}

#ifndef FRESHET_SANITIZED
TEST(Loading, AConstructorThatTriesWhatItMayNotIsABreach) {
  const Outcome outcome = load_only("constructor_connect");
  EXPECT_EQ(outcome.end.reason, EndReason::breach) << outcome.end.what;
  EXPECT_EQ(outcome.end.what, "called socket(2)");
}
#endif

TEST(Loading, AnUnresolvedSymbolIsNamed) {
  const Outcome outcome = load_only("unresolved");
  EXPECT_EQ(outcome.end.reason, EndReason::plugin) << outcome.end.what;
  EXPECT_EQ(outcome.end.code, "F2013");
  EXPECT_NE(outcome.end.what.find("nobody_defines_this"), std::string::npos) << outcome.end.what;
}

TEST(Loading, AnEntryThatFailsSaysWhy) {
  const Outcome outcome = load_only("entry_fails");
  EXPECT_EQ(outcome.end.reason, EndReason::plugin);
  EXPECT_EQ(outcome.end.code, "F2010");
  EXPECT_NE(outcome.end.what.find("no key for this lock"), std::string::npos) << outcome.end.what;
}

TEST(Loading, ATableWithoutARequiredFunctionIsRefused) {
  EXPECT_EQ(load_only("entry_half").end.code, "F2010");
}

TEST(Loading, APluginOfAnotherAbiIsRefused) { EXPECT_EQ(load_only("entry_abi").end.code, "F2007"); }

TEST(Loading, AKindNobodyAnnouncedIsRefused) {
  const Outcome outcome = load_only("entry_kind");
  EXPECT_EQ(outcome.end.code, "F2011");
  EXPECT_NE(outcome.end.what.find("surprise"), std::string::npos) << outcome.end.what;
}

TEST(Loading, AnExceptionOutOfTheEntryIsRefused) {
  const Outcome outcome = load_only("entry_throws");
  EXPECT_EQ(outcome.end.reason, EndReason::plugin) << outcome.end.what;
  EXPECT_EQ(outcome.end.code, "F2010");
}

TEST(Loading, ThePluginsLibrariesAreThere) {
  const auto probed = probe(plugin_path("old_libraries"));
  ASSERT_TRUE(probed.inspected.has_value());
  EXPECT_EQ(probed.inspected->libraries & 0b1100, 0b1100);
  WorkerOptions options;
  options.libraries = probed.inspected->libraries;
  EXPECT_EQ(load_only("old_libraries", options).end.reason, EndReason::none);
#ifndef FRESHET_SANITIZED
  // Loaded before the lock or never.
  options.libraries = 0;
  EXPECT_EQ(load_only("old_libraries", options).end.code, "F2013");
#endif
}

TEST(Loading, WorksFromADescriptorWhereThereIsNoPrivateRoot) {
  TempTree tree;
  tree.file("a");
  const OpenRoot root = open_root(tree.path());
  ::chmod(tree.path().c_str(), 0755);
  WorkerOptions options;
  options.limits.no_namespaces = true;
  options.strict = false;
  const Outcome outcome = run_plugin("lister", "", {&root}, options);
  EXPECT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.findings.size(), 1U);
}

}  // namespace
}  // namespace freshet::channel::testing
