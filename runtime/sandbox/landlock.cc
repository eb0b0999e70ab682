#include "runtime/sandbox/landlock.h"

#include "runtime/base/fd.h"
#include "runtime/sandbox/kernel.h"

namespace freshet::sandbox {
namespace {

// Offsets of the fields that came with a later ABI: an older kernel refuses a larger struct with unknown bits.
std::size_t ruleset_size(std::uint32_t abi) {
  if (abi >= 6) return sizeof(LandlockRuleset);
  if (abi >= 4) return offsetof(LandlockRuleset, scoped);
  return offsetof(LandlockRuleset, handled_net);
}

LandlockRuleset everything(std::uint32_t abi) {
  LandlockRuleset rules{.handled_fs = kLandlockAllFs1};
  if (abi >= 2) rules.handled_fs |= kLandlockRefer;
  if (abi >= 3) rules.handled_fs |= kLandlockTruncate;
  if (abi >= 4) rules.handled_net = kLandlockAllNet;
  if (abi >= 5) rules.handled_fs |= kLandlockIoctlDev;
  if (abi >= 6) rules.scoped = kLandlockAllScopes;
  return rules;
}

}  // namespace

Status restrict_to(std::uint32_t abi, std::span<const LandlockGrant> grants) {
  const LandlockRuleset rules = everything(abi);
  const Fd ruleset(landlock_create_ruleset(&rules, ruleset_size(abi), 0));
  if (!ruleset) return fail_errno("landlock_create_ruleset");
  for (const LandlockGrant& grant : grants) {
    const LandlockPathRule rule{grant.allowed & rules.handled_fs, grant.fd};
    if (rule.allowed != 0 && landlock_add_path_rule(ruleset.get(), &rule) != 0)
      return fail_errno("landlock_add_rule");
  }
  if (landlock_restrict_self(ruleset.get()) != 0) return fail_errno("landlock_restrict_self");
  return {};
}

std::uint64_t broker_rights() {
  return kLandlockReadDir | kLandlockWriteFile | kLandlockRemoveDir | kLandlockRemoveFile | kLandlockMakeDir |
         kLandlockMakeReg | kLandlockMakeSock | kLandlockMakeFifo | kLandlockMakeSym | kLandlockRefer;
}

}  // namespace freshet::sandbox
