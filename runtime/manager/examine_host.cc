#include "runtime/manager/examine_host.h"

#include <algorithm>

#include "runtime/manager/queue_directory.h"
#include "runtime/sandbox/mechanisms.h"

namespace freshet {

std::vector<DoctorRow> examine_host() {
  const sandbox::HostSupport host = sandbox::find_host_support();
  std::vector<DoctorRow> out;
  for (sandbox::Mechanism& one : sandbox::mechanisms(host))
    out.push_back({std::move(one.name), one.available, one.strict, std::move(one.seen), std::move(one.lost), std::move(one.remedy)});
  for (const std::string& reason : host.reasons) {
    const auto row = std::ranges::find_if(out, [&](const DoctorRow& each) { return !each.available && reason.starts_with(each.mechanism + ": "); });
    if (row != out.end()) row->seen += reason.substr(row->mechanism.size());
    else out.push_back({"note", true, false, reason, "", ""});
  }
  // No mechanism of isolation, and of no use to the roles: what `ipc` may see of the host.
  if (const auto queues = open_queue_directory(); queues || queues.error().kind != ErrorKind::missing)
    out.push_back({"POSIX message queues", queues.has_value(), false, queues ? "can be seen" : queues.error().what,
                   "the permission `ipc` cannot remove any", queues ? "" : queues.error().detail});
  return out;
}

}  // namespace freshet
