#include "runtime/conformance/status_names.h"

#include <freshet/plugin.h>

namespace freshet::conformance {

std::string status_name(std::int32_t status) {
  switch (status) {
    case FRESHET_OK: return "FRESHET_OK";
    case FRESHET_END: return "FRESHET_END";
    case FRESHET_INVALID: return "FRESHET_INVALID";
    case FRESHET_UNREADABLE: return "FRESHET_UNREADABLE";
    case FRESHET_CANCELLED: return "FRESHET_CANCELLED";
    case FRESHET_UNKNOWN: return "FRESHET_UNKNOWN";
    case FRESHET_FAILED: return "FRESHET_FAILED";
    case FRESHET_NO_MEMORY: return "FRESHET_NO_MEMORY";
    default: return "the status " + std::to_string(status);
  }
}

}  // namespace freshet::conformance
