#include "runtime/broker/ipc_removal.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/bytes.h"
#include "runtime/base/identity.h"

namespace freshet::broker {
namespace {

using wire::IpcCode;
using wire::IpcObject;

constexpr std::int64_t kSecond = 1'000'000'000;

// Of semctl; the caller has to declare it.
union SemaphoreArgument {
  int value;
  semid_ds* set;
  unsigned short* values;
};

struct Answer {
  IpcCode code = IpcCode::removed;
  int error_number = 0;
};

Answer of_errno(int error) {
  if (error == EINVAL || error == EIDRM || error == ENOENT) return {IpcCode::gone, 0};
  if (error == EACCES || error == EPERM) return {IpcCode::denied, error};
  return {IpcCode::failed, error};
}

// Ids are used again: owner, creator, key and time of the last change say whether it is the same object.
bool is_planned(const ipc_perm& now, std::int64_t changed, const IpcObject& planned) {
  return now.__key == planned.key && now.uid == planned.uid && now.cuid == planned.creator && changed * kSecond == planned.changed_ns;
}

// The look and the removal are two calls. Whoever attaches between them keeps what he has: the kernel frees a segment
// with its last user.
Answer remove_shm(const IpcObject& object) {
  shmid_ds now{};
  if (::shmctl(object.id, IPC_STAT, &now) != 0) return of_errno(errno);
  if (!is_planned(now.shm_perm, now.shm_ctime, object) || now.shm_segsz != object.bytes) return {IpcCode::changed, 0};
  if (now.shm_nattch != 0) return {IpcCode::in_use, 0};
  if (std::max(now.shm_atime, now.shm_dtime) * kSecond != object.used_ns) return {IpcCode::changed, 0};
  return ::shmctl(object.id, IPC_RMID, nullptr) == 0 ? Answer{} : of_errno(errno);
}

Answer remove_sem(const IpcObject& object) {
  semid_ds now{};
  if (::semctl(object.id, 0, IPC_STAT, SemaphoreArgument{.set = &now}) != 0) return of_errno(errno);
  if (!is_planned(now.sem_perm, now.sem_ctime, object) || now.sem_nsems != object.count) return {IpcCode::changed, 0};
  for (int i = 0; i < static_cast<int>(now.sem_nsems); ++i) {
    const int more = ::semctl(object.id, i, GETNCNT);
    const int zero = ::semctl(object.id, i, GETZCNT);
    if (more < 0 || zero < 0) return of_errno(errno);
    if (more + zero > 0) return {IpcCode::in_use, 0};
  }
  if (now.sem_otime * kSecond != object.used_ns) return {IpcCode::changed, 0};
  return ::semctl(object.id, 0, IPC_RMID) == 0 ? Answer{} : of_errno(errno);
}

Answer remove_msg(const IpcObject& object) {
  msqid_ds now{};
  if (::msgctl(object.id, IPC_STAT, &now) != 0) return of_errno(errno);
  if (!is_planned(now.msg_perm, now.msg_ctime, object) || now.msg_qnum != object.count) return {IpcCode::changed, 0};
  if (std::max(now.msg_stime, now.msg_rtime) * kSecond != object.used_ns) return {IpcCode::changed, 0};
  return ::msgctl(object.id, IPC_RMID, nullptr) == 0 ? Answer{} : of_errno(errno);
}

// Who has it open or mapped only the manager can see: it looked right before. A queue's file is never larger or smaller,
// and its times have whole seconds: an equal mtime says that no message came or went since, because the manager takes none
// that was used in the second in which it looked.
Answer remove_posix(int directory, const IpcObject& object) {
  const Result<EntryStat> now = stat_entry(directory, object.name.c_str());
  if (!now) return {IpcCode::gone, 0};
  if (now->identity.type != EntryType::file || now->identity.inode != object.inode || now->identity.birth_ns != object.birth_ns ||
      now->mtime_ns != object.changed_ns || now->uid != object.uid || now->links != 1)
    return {IpcCode::changed, 0};
  if (object.kind != wire::IpcKind::posix_msg && now->identity.size != object.bytes) return {IpcCode::changed, 0};
  return ::unlinkat(directory, object.name.c_str(), 0) == 0 ? Answer{} : of_errno(errno);
}

}  // namespace

Verdict remove_ipc_objects(const Session& session, const wire::IpcRemove& message) {
  wire::IpcOutcomes out;
  for (const IpcObject& object : message.objects) {
    if (object.uid != session.owner) return give_up(kNotPermitted, "an object of another owner");
    const int directory = object.kind == wire::IpcKind::posix_msg ? session.queues : session.shm;
    if (wire::is_posix(object.kind) && (directory < 0 || !is_entry_name(object.name)))
      return give_up(kNotPermitted, "an object with a name that cannot be");
    Answer answer;
    switch (object.kind) {
      case wire::IpcKind::shm: answer = remove_shm(object); break;
      case wire::IpcKind::sem: answer = remove_sem(object); break;
      case wire::IpcKind::msg: answer = remove_msg(object); break;
      case wire::IpcKind::posix_shm:
      case wire::IpcKind::posix_sem:
      case wire::IpcKind::posix_msg: answer = remove_posix(directory, object); break;
    }
    out.outcomes.push_back({answer.code, answer.error_number});
  }
  return session.send(out);
}

}  // namespace freshet::broker
