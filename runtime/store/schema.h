#pragma once

#include "runtime/base/error.h"
#include "runtime/store/database.h"

namespace freshet::store {

// "Frsh": tells our file from another program's.
inline constexpr std::int64_t kApplicationId = 0x46727368;

// The schema version this program writes; see HISTORY.md.
std::int64_t schema_version();

// Brings `database` to schema_version(), in one transaction, and to WAL. Errors: kind `invalid` when the file
// is newer or belongs to another program (then nothing was written), `system` else.
Status migrate(Database& database);

}  // namespace freshet::store
