#include "runtime/sandbox/filter_book.h"

namespace freshet::sandbox {

Result<Filter> FilterBook::find(const FilterRequest& request) {
  if (request.self != 1) return compile_filter(request);  // it names the pid
  const Key key{request.role, request.phase, request.unlink, request.read_contents, request.count_threads};
  {
    const MutexLock lock(mutex_);
    if (const auto known = filters_.find(key); known != filters_.end()) return known->second;
  }
  auto filter = compile_filter(request);
  if (!filter) return filter;
  const MutexLock lock(mutex_);
  filters_.try_emplace(key, *filter);
  return filter;
}

}  // namespace freshet::sandbox
