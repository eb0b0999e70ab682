#include "runtime/wire/messages.h"

namespace freshet::wire {

std::string_view to_string(OutcomeCode code) {
  switch (code) {
    case OutcomeCode::removed: return "removed";
    case OutcomeCode::gone: return "already gone";
    case OutcomeCode::changed: return "changed since it was planned";
    case OutcomeCode::parent_changed: return "its directory changed since it was planned";
    case OutcomeCode::digest_changed: return "its contents changed since they were planned";
    case OutcomeCode::not_empty: return "not empty";
    case OutcomeCode::in_use: return "in use or locked";
    case OutcomeCode::too_young: return "younger than the floor min-age";
    case OutcomeCode::mount_point: return "a mount point, or has one below it";
    case OutcomeCode::device: return "a device node";
    case OutcomeCode::cross_device: return "the file system cannot move it into the quarantine";
    case OutcomeCode::denied: return "permission denied";
    case OutcomeCode::over_budget: return "over the budget";
    case OutcomeCode::name_taken: return "the quarantine already holds that name";
    case OutcomeCode::moved_back: return "changed while it was moved; put back";
    case OutcomeCode::stranded: return "changed while it was moved; kept in the quarantine";
    case OutcomeCode::failed: return "failed";
    case OutcomeCode::out_of_hours: return "the hours of floors.hours are over";
  }
  return "unknown";
}

std::string_view to_string(IpcKind kind) {
  switch (kind) {
    case IpcKind::shm: return "shm";
    case IpcKind::sem: return "sem";
    case IpcKind::msg: return "msg";
    case IpcKind::posix_shm: return "posix-shm";
    case IpcKind::posix_sem: return "posix-sem";
    case IpcKind::posix_msg: return "posix-msg";
  }
  return "unknown";
}

std::string_view to_string(IpcCode code) {
  switch (code) {
    case IpcCode::removed: return "removed; this cannot be taken back";
    case IpcCode::gone: return "already gone";
    case IpcCode::changed: return "changed since it was planned";
    case IpcCode::in_use: return "in use";
    case IpcCode::denied: return "permission denied";
    case IpcCode::failed: return "failed";
  }
  return "unknown";
}

std::string_view to_string(RestoreCode code) {
  switch (code) {
    case RestoreCode::restored: return "restored";
    case RestoreCode::name_taken: return "something else stands there now";
    case RestoreCode::parent_missing: return "its directory is gone";
    case RestoreCode::parent_changed: return "another directory stands in its place";
    case RestoreCode::denied: return "permission denied";
    case RestoreCode::bad_table: return "its record in the quarantine is damaged";
    case RestoreCode::failed: return "failed";
  }
  return "unknown";
}

}  // namespace freshet::wire
