#include "runtime/base/error.h"

#include <cerrno>
#include <cstring>

namespace freshet {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return "invalid";
    case ErrorKind::refused: return "refused";
    case ErrorKind::busy: return "busy";
    case ErrorKind::missing: return "missing";
    case ErrorKind::system: return "system";
    case ErrorKind::peer: return "peer";
    case ErrorKind::bug: return "bug";
  }
  return "unknown";
}

std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string detail) {
  return std::unexpected(Error{kind, {}, std::move(what), std::move(detail)});
}

std::unexpected<Error> fail(std::string code, ErrorKind kind, std::string what, std::string detail) {
  return std::unexpected(Error{kind, std::move(code), std::move(what), std::move(detail)});
}

std::unexpected<Error> fail_errno(std::string_view doing) { return fail_errno(doing, errno); }

std::unexpected<Error> fail_errno(std::string_view doing, int error_number) {
  return fail(ErrorKind::system, std::string(doing) + ": " + errno_text(error_number));
}

std::string errno_text(int error_number) {
  const char* text = strerrordesc_np(error_number);  // glibc >= 2.32, no locale, no buffer
  return text ? std::string(text) : "errno " + std::to_string(error_number);
}

}  // namespace freshet
