#include "runtime/manager/examine_host.h"

#include <algorithm>

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
  return out;
}

}  // namespace freshet
