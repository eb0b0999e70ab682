#pragma once

#include <map>
#include <tuple>

#include "runtime/base/mutex.h"
#include "runtime/sandbox/filter_compiler.h"

namespace freshet::sandbox {

// Compiled filters, each made when it is first asked for. Thread-safe.
class FilterBook {
 public:
  Result<Filter> find(const FilterRequest& request);

 private:
  using Key = std::tuple<wire::Role, wire::BrokerPhase, bool, bool, bool>;

  Mutex mutex_;
  std::map<Key, Filter> filters_ FRESHET_GUARDED_BY(mutex_);  // of roles that are pid 1
};

}  // namespace freshet::sandbox
