#include "runtime/manager/plan_container.h"

#include <sodium.h>

#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/manager/plan_files.h"
#include "runtime/wire/codec.h"

namespace freshet {
namespace {

constexpr std::string_view kMagic = "freshet plan 1\n";
constexpr std::size_t kMaxContainer = 8ULL << 30;

std::string digest(std::string_view bytes) {
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return std::string(reinterpret_cast<char*>(hash), sizeof hash);
}

void put_part(std::string& out, std::string_view part) {
  const std::uint64_t length = part.size();
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out.append(part);
}

// False when the container ends before the part does.
bool take_part(std::string_view& in, std::string_view& part) {
  std::uint64_t length = 0;
  if (in.size() < sizeof length) return false;
  std::memcpy(&length, in.data(), sizeof length);
  in.remove_prefix(sizeof length);
  if (length > in.size()) return false;
  part = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

bool has_files(const TaskPlan& task) { return is_going(task) && !task.native; }

}  // namespace

Status write_plan_container(const Plan& plan, const std::string& dir, const std::string& file) {
  std::string out(kMagic);
  put_part(out, plan_to_json(plan));
  for (const TaskPlan& task : plan.tasks) {
    if (!has_files(task)) continue;
    for (const std::string& name : {directories_file(dir, task.number), entries_file(dir, task.number)}) {
      const Result<std::string> part = read_whole_file(name, kMaxContainer);
      if (!part) return std::unexpected(part.error());
      put_part(out, *part);
    }
  }
  out += digest(out);
  return write_whole_file(file, out);
}

Result<Plan> read_plan_container(const std::string& file, const std::string& dir, const std::string& new_id) {
  const Result<std::string> bytes = read_whole_file(file, kMaxContainer);
  if (!bytes) return std::unexpected(bytes.error());
  const auto wrong = [&](const std::string& what) { return fail(ErrorKind::invalid, escape_bytes(file) + ": " + what); };
  std::string_view in = *bytes;
  if (!in.starts_with(kMagic)) return wrong("not a plan (a plan is made by `freshet plan --out FILE`)");
  if (in.size() < kMagic.size() + crypto_generichash_BYTES) return wrong("the plan is cut off");
  const std::string_view sum = in.substr(in.size() - crypto_generichash_BYTES);
  in.remove_suffix(crypto_generichash_BYTES);
  if (digest(in) != sum) return wrong("the plan is damaged or cut off (its checksum does not hold)");
  in.remove_prefix(kMagic.size());
  std::string_view part;
  if (!take_part(in, part)) return wrong("the plan is cut off");
  Result<Plan> plan = plan_from_json(part);
  if (!plan) return wrong(plan.error().what);
  plan->id = new_id;
  for (const TaskPlan& task : plan->tasks) {
    if (!has_files(task)) continue;
    for (const std::string& name : {directories_file(dir, task.number), entries_file(dir, task.number)}) {
      if (!take_part(in, part)) return wrong("the plan is cut off");
      if (const Status wrote = write_whole_file(name, part); !wrote) return std::unexpected(wrote.error());
    }
  }
  if (!in.empty()) return wrong("the plan has more in it than it should");
  if (const Status wrote = write_whole_file(dir + "/plan.json", plan_to_json(*plan)); !wrote) return std::unexpected(wrote.error());
  return plan;
}

}  // namespace freshet
