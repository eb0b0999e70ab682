#include "runtime/manager/examine_host.h"

#include "runtime/sandbox/mechanisms.h"

namespace freshet {

std::vector<DoctorRow> examine_host() {
  const sandbox::HostSupport host = sandbox::find_host_support();
  std::vector<DoctorRow> out;
  for (sandbox::Mechanism& one : sandbox::mechanisms(host))
    out.push_back({std::move(one.name), one.available, one.strict, std::move(one.seen), std::move(one.lost), std::move(one.remedy)});
  for (const std::string& reason : host.reasons) out.push_back({"note", true, false, reason, "", ""});
  return out;
}

}  // namespace freshet
