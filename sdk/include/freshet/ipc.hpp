// C++17 on top of freshet/ipc.h. Header only.
//
//   if (const auto ipc = freshet::Ipc::of(host)) {
//     freshet::IpcObject object{};
//     for (std::uint64_t i = 0; ipc->object(i, object); ++i)
//       if (object.count == 0) ipc->propose(i, FRESHET_ORPHAN, "nobody is attached");
//   }
#ifndef FRESHET_IPC_HPP
#define FRESHET_IPC_HPP

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "freshet/ipc.h"
#include "freshet/plugin.hpp"

namespace freshet {

using IpcObject = freshet_ipc_object;

// The feature, where it is granted.
class Ipc {
 public:
  [[nodiscard]] static std::optional<Ipc> of(const Host& host) {
    const auto* table = host.feature<freshet_ipc>(FRESHET_IPC_ID, FRESHET_IPC_REVISION);
    if (table == nullptr) return std::nullopt;
    return Ipc(host.raw(), table);
  }

  // False past the last one.
  [[nodiscard]] bool object(std::uint64_t index, IpcObject& out) const {
    out.size = sizeof out;
    return table_->object(host_, index, &out) == FRESHET_OK;
  }

  // Throws Cancelled, and std::runtime_error when the host refuses it.
  void propose(std::uint64_t index, freshet_finding_kind kind, std::string_view reason) const {
    const freshet_status status = table_->propose(host_, index, kind, bytes(reason));
    if (status == FRESHET_CANCELLED) throw Cancelled();
    if (status != FRESHET_OK) throw std::runtime_error("the host refused an IPC object");
  }

 private:
  Ipc(const freshet_host* host, const freshet_ipc* table) : host_(host), table_(table) {}

  const freshet_host* host_;
  const freshet_ipc* table_;
};

}  // namespace freshet

#endif  // FRESHET_IPC_HPP
