#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)
namespace freshet {

// What the caller does now.
enum class ErrorKind {
  invalid,   // fix the input (configuration, command line, plugin file, plan file)
  refused,   // a boundary or a permission says no: change the grant, or leave it
  busy,      // retry later: somebody else holds it
  missing,   // name something that exists
  system,    // the kernel or the disk said no; errno is in the detail
  peer,      // a worker or broker ended or spoke out of turn: this task failed, others may go on
  bug,       // an invariant of Freshet itself is broken: report it
};

std::string_view to_string(ErrorKind kind);

// An error is a value. `code` is stable ("F1001", see `freshet explain`) or empty where there is no page.
// `what` is one line for people and names the culprit; `detail` may have several lines (a caret, a remedy).
struct Error {
  ErrorKind kind = ErrorKind::bug;
  std::string code;
  std::string what;
  std::string detail;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string detail = {});
[[nodiscard]] std::unexpected<Error> fail(std::string code, ErrorKind kind, std::string what, std::string detail = {});

// "opening /x: Permission denied", kind `system`. Takes errno at the call unless one is given.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view doing);
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view doing, int error_number);

// Thread-safe strerror.
std::string errno_text(int error_number);

}  // namespace freshet
#pragma GCC visibility pop
