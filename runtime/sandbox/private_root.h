#pragma once

#include <span>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/wire/messages.h"

namespace freshet::sandbox {

// Where a worker finds its granted roots ("/r/0", ..) and its plugin in the private root.
std::string private_root_path(std::size_t index);
inline constexpr const char* kPrivatePluginPath = "/plugin.so";

// Replaces this process's view of the file system by a read-only tmpfs that holds nothing but read-only clones of the
// granted roots and a copy of the plugin (`plugin_memfd`, -1 for none). With Setup::cloned_roots the clones are `roots`,
// else they are made here. Excluded directories and quarantine areas are covered by something empty. Needs a mount namespace of its own and CAP_SYS_ADMIN in the one's user namespace. On an
// error the process's view is half built: the caller ends.
Status build_private_root(const wire::Setup& setup, std::span<const Fd> roots, int plugin_memfd);

}  // namespace freshet::sandbox
