#include "runtime/sandbox/filter_compiler.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "runtime/base/fd.h"

namespace freshet::sandbox {
namespace {

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

scmp_arg_cmp comparison(const Condition& condition) {
  switch (condition.compare) {
    case Compare::equal: return {condition.argument, SCMP_CMP_EQ, condition.value, 0};
    case Compare::above: return {condition.argument, SCMP_CMP_GT, condition.value, 0};
    case Compare::masked_equal: return {condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
    case Compare::none: break;
  }
  return {};
}

Status add(scmp_filter_ctx context, const Rule& rule) {
  scmp_arg_cmp comparisons[std::tuple_size_v<decltype(rule.conditions)>];
  unsigned count = 0;
  for (const Condition& condition : rule.conditions)
    if (condition.compare != Compare::none) comparisons[count++] = comparison(condition);
  const std::uint32_t action =
      rule.error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error));
  const int result = seccomp_rule_add_array(context, action, rule.call, count, comparisons);
  if (result != 0 && result != -EEXIST) return fail_errno("seccomp_rule_add of call " + std::to_string(rule.call), -result);
  return {};
}

}  // namespace

Result<Filter> compile_filter(const FilterRequest& request) {
  const Context context(seccomp_init(SCMP_ACT_NOTIFY));
  if (!context) return fail(ErrorKind::system, "libseccomp knows no user notification here");
  if (int result = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_NOTIFY); result != 0)
    return fail_errno("seccomp_attr_set", -result);
  for (const Rule& rule : filter_rules(request))
    if (auto done = add(context.get(), rule); !done) return std::unexpected(done.error());
  const Fd memory(::memfd_create("freshet-filter", MFD_CLOEXEC));
  if (!memory) return fail_errno("memfd_create");
  if (int result = seccomp_export_bpf(context.get(), memory.get()); result != 0)
    return fail_errno("seccomp_export_bpf", -result);
  const off_t size = ::lseek(memory.get(), 0, SEEK_END);
  if (size <= 0 || size % 8 != 0 || static_cast<std::size_t>(size) / 8 > wire::kMaxFilter)
    return fail(ErrorKind::bug, "a seccomp filter of " + std::to_string(size) + " bytes");
  Filter filter(static_cast<std::size_t>(size) / 8);
  if (::pread(memory.get(), filter.data(), static_cast<std::size_t>(size), 0) != size)
    return fail_errno("reading a seccomp filter");
  return filter;
}

std::string call_name(std::uint32_t architecture, int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(seccomp_syscall_resolve_num_arch(architecture, number),
                                                         &std::free);
  std::string text = name ? std::string(name.get()) + "(2)" : "system call " + std::to_string(number);
  if (architecture != AUDIT_ARCH_X86_64) text += architecture == AUDIT_ARCH_I386 ? " of x86" : " of another machine";
  return text;
}

}  // namespace freshet::sandbox
