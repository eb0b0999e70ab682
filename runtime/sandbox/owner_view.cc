#include "runtime/sandbox/owner_view.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>

#include "runtime/sandbox/child.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/user_map.h"

namespace freshet::sandbox {
namespace {

struct Ends {
  int wait_on = -1;
  int managers = -1;
};

// Raw calls only: the program it is cloned from may have threads.
int wait_for_end(void* raw) {
  const auto& ends = *static_cast<const Ends*>(raw);
  ::syscall(SYS_close, ends.managers);
  char none = 0;
  while (::syscall(SYS_read, ends.wait_on, &none, 1) < 0 && errno == EINTR) {
  }
  return 0;
}

Result<Fd> open_mapped(pid_t child) {
  if (auto done = write_maps(child, view_maps()); !done) return std::unexpected(done.error());
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/ns/user", static_cast<int>(child));
  Fd space(::open(path, O_RDONLY | O_CLOEXEC));
  if (!space) return fail_errno(std::string("opening ") + path);
  return space;
}

}  // namespace

Result<Fd> make_owner_view() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe2");
  const Fd wait_on(ends[0]);
  Fd managers(ends[1]);
  const Stack stack;
  if (!stack) return fail_errno("mmap of a stack");
  Ends argument{wait_on.get(), managers.get()};
  const pid_t child = ::clone(wait_for_end, stack.top(), CLONE_NEWUSER | SIGCHLD, &argument);
  if (child < 0) return fail_errno("clone");
  auto space = open_mapped(child);
  managers.reset();
  reap(child);
  return space;
}

Result<Fd> clone_mapped(int root, int view) {
  Fd tree(::open_tree(root, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | static_cast<unsigned>(OPEN_TREE_CLOEXEC)));
  if (!tree) return fail_errno("open_tree");
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(view);
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) return fail_errno("mount_setattr");
  return tree;
}

}  // namespace freshet::sandbox
