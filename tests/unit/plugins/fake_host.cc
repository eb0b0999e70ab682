#include "tests/unit/plugins/fake_host.h"

#include <algorithm>
#include <cstdlib>

// An open directory of the fake host.
struct freshet_dir {
  const freshet_test::FakeEntry* entry = nullptr;
  freshet_dir* parent = nullptr;
  std::string path;
  std::size_t next = 0;
  std::size_t open_children = 0;
  std::set<std::string> inner;     // names of directories that were opened below and wholly proposed
  std::size_t proposed = 0;
  std::unique_ptr<std::string> name;  // of the entry in hand; on the heap, so that a stale use is seen by sanitizers
};

namespace freshet_test {

// Deep trees: no recursion in the destructor either.
FakeEntry::~FakeEntry() {
  std::vector<std::unique_ptr<FakeEntry>> all = std::move(children);
  while (!all.empty()) {
    auto last = std::move(all.back());
    all.pop_back();
    for (auto& child : last->children) all.push_back(std::move(child));
    last->children.clear();
  }
}

FakeEntry& FakeEntry::add(FakeEntry child) {
  children.push_back(std::make_unique<FakeEntry>(std::move(child)));
  return *children.back();
}

FakeEntry& FakeEntry::file(std::string file_name, std::int64_t age_days) {
  FakeEntry entry;
  entry.name = std::move(file_name);
  return add(std::move(entry.aged(age_days)));
}

FakeEntry& FakeEntry::directory(std::string directory_name, std::int64_t age_days) {
  FakeEntry entry;
  entry.name = std::move(directory_name);
  entry.type = FRESHET_DIRECTORY;
  return add(std::move(entry.aged(age_days)));
}

FakeEntry& FakeEntry::aged(std::int64_t days) {
  mtime = atime = ctime = btime = kNow - days * kDay;
  return *this;
}

struct FakeHost::Calls {
  static FakeHost& self(const freshet_host* host) { return *static_cast<FakeHost*>(host->context); }

  static const void* feature(const freshet_host*, const char*, uint32_t) { return nullptr; }
  static void log(const freshet_host* host, freshet_log_level, const char* text, size_t length) {
    self(host).log.emplace_back(text, length);
  }
  static int64_t now(const freshet_host* host) { return self(host).now; }
  static int32_t cancelled(const freshet_host* host) { return self(host).cancelled ? 1 : 0; }
  static void progress(const freshet_host*, uint64_t, uint64_t) {}

  static freshet_status root(const freshet_host* host, uint32_t index, freshet_root* out) {
    if (out->size < sizeof(freshet_root)) self(host).broken_rules.emplace_back("root without a size");
    if (index >= self(host).roots_.size()) return FRESHET_END;
    const std::string& path = self(host).roots_[index].name;
    *out = {sizeof(freshet_root), index, {path.data(), path.size()}};
    return FRESHET_OK;
  }

  static freshet_status dir_open(const freshet_host* host, uint32_t root_index, freshet_dir* parent,
                                 freshet_bytes name, freshet_dir** out) {
    FakeHost& me = self(host);
    const FakeEntry* found = nullptr;
    const std::string_view wanted(name.data, name.length);
    if (!parent) {
      if (root_index >= me.roots_.size()) return FRESHET_INVALID;
      found = &me.roots_[root_index];
    } else {
      for (const auto& child : parent->entry->children) {
        if (child->name == wanted) found = child.get();
      }
    }
    if (!found || found->type != FRESHET_DIRECTORY || (found->flags & FRESHET_ENTRY_MOUNT_POINT)) {
      me.broken_rules.push_back("opened no directory: " + std::string(wanted));
      return FRESHET_INVALID;
    }
    if (found->unreadable) return FRESHET_UNREADABLE;
    auto* dir = new freshet_dir;
    dir->entry = found;
    dir->parent = parent;
    dir->path = parent ? parent->path + "/" + found->name : found->name;
    if (parent) ++parent->open_children;
    ++me.open_directories;
    me.most_open_directories = std::max(me.most_open_directories, me.open_directories);
    *out = dir;
    return FRESHET_OK;
  }

  static freshet_status dir_next(const freshet_host* host, freshet_dir* dir, freshet_entry* out) {
    if (out->size < sizeof(freshet_entry)) self(host).broken_rules.emplace_back("dir_next without a size");
    if (dir->open_children != 0) self(host).broken_rules.push_back("dir_next with a child open: " + dir->path);
    dir->name.reset();
    if (dir->next >= dir->entry->children.size())
      return dir->entry->breaks_off ? FRESHET_UNREADABLE : FRESHET_END;
    const FakeEntry& entry = *dir->entry->children[dir->next];
    dir->name = std::make_unique<std::string>(entry.name);
    *out = {};
    out->size = sizeof(freshet_entry);
    out->type = entry.type;
    out->name = {dir->name->data(), dir->name->size()};
    out->ordinal = dir->next++;
    out->inode = 1000 + out->ordinal;
    out->bytes = entry.bytes;
    out->allocated = entry.bytes;
    out->mtime = entry.mtime;
    out->atime = entry.atime;
    out->ctime = entry.ctime;
    out->btime = entry.btime;
    out->links = 1;
    out->uid = out->gid = entry.uid;
    out->mode = 0644;
    out->flags = entry.flags;
    return FRESHET_OK;
  }

  static void dir_close(const freshet_host* host, freshet_dir* dir) {
    FakeHost& me = self(host);
    if (dir->open_children != 0) me.broken_rules.push_back("closed before its children: " + dir->path);
    --me.open_directories;
    if (dir->parent) {
      --dir->parent->open_children;
      if (dir->proposed == dir->entry->children.size()) dir->parent->inner.insert(dir->entry->name);
    }
    delete dir;
  }

  static freshet_status emit_finding(const freshet_host* host, const freshet_finding* finding) {
    FakeHost& me = self(host);
    freshet_dir* dir = finding->directory;
    const freshet_entry* entry = finding->entry;
    const std::string name(entry->name.data, entry->name.length);
    if (finding->size < sizeof(freshet_finding) || entry->ordinal >= dir->entry->children.size() ||
        dir->entry->children[entry->ordinal]->name != name) {
      me.broken_rules.push_back("a forged finding: " + name);
      return FRESHET_INVALID;
    }
    if (entry->type == FRESHET_DIRECTORY && !dir->inner.contains(name))
      me.broken_rules.push_back("a directory proposed before what is in it: " + name);
    if (finding->reason.length > 512) me.broken_rules.push_back("a reason that is too long: " + name);
    if (me.cancel_after_findings && me.findings.size() >= *me.cancel_after_findings) return FRESHET_CANCELLED;
    ++dir->proposed;
    me.findings.push_back({dir->path + "/" + name, std::string(finding->reason.data, finding->reason.length),
                           finding->kind, finding->cost, finding->cost_bytes});
    return FRESHET_OK;
  }

  static void* buffer_get(const freshet_host* host, size_t bytes) {
    ++self(host).buffers_out;
    return std::malloc(bytes);
  }
  static void buffer_put(const freshet_host* host, void* buffer) {
    if (buffer) --self(host).buffers_out;
    std::free(buffer);
  }
};

FakeHost::FakeHost() {
  table_.size = sizeof table_;
  table_.abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  table_.context = this;
  table_.feature = Calls::feature;
  table_.log = Calls::log;
  table_.now = Calls::now;
  table_.cancelled = Calls::cancelled;
  table_.progress = Calls::progress;
  table_.root = Calls::root;
  table_.dir_open = Calls::dir_open;
  table_.dir_next = Calls::dir_next;
  table_.dir_close = Calls::dir_close;
  table_.emit_finding = Calls::emit_finding;
  table_.buffer_get = Calls::buffer_get;
  table_.buffer_put = Calls::buffer_put;
}

FakeEntry& FakeHost::add_root(std::string path) {
  roots_.emplace_back();
  roots_.back().name = std::move(path);
  roots_.back().type = FRESHET_DIRECTORY;
  return roots_.back();
}

std::vector<std::string> FakeHost::proposed() const {
  std::vector<std::string> out;
  for (const FakeFinding& finding : findings) out.push_back(finding.path);
  std::ranges::sort(out);
  return out;
}

std::string FakeHost::reason_of(std::string_view path) const {
  for (const FakeFinding& finding : findings) {
    if (finding.path == path) return finding.reason;
  }
  return "(not proposed)";
}

freshet_setting& FakeSettings::slot(std::string name, freshet_value_type type) {
  std::erase_if(settings_, [&](const freshet_setting& setting) { return setting.name == name; });
  freshet_setting& out = settings_.emplace_back();
  out.size = sizeof out;
  out.type = type;
  out.name = texts_.emplace_back(std::move(name)).c_str();
  return out;
}

FakeSettings& FakeSettings::boolean(std::string name, bool value) {
  slot(std::move(name), FRESHET_BOOLEAN).integer = value ? 1 : 0;
  return *this;
}

FakeSettings& FakeSettings::integer(std::string name, std::int64_t value, freshet_value_type type) {
  slot(std::move(name), type).integer = value;
  return *this;
}

FakeSettings& FakeSettings::number(std::string name, double value) {
  slot(std::move(name), FRESHET_NUMBER).number = value;
  return *this;
}

FakeSettings& FakeSettings::string(std::string name, std::string value) {
  const std::string& text = texts_.emplace_back(std::move(value));
  slot(std::move(name), FRESHET_STRING).string = {text.data(), text.size()};
  return *this;
}

FakeSettings& FakeSettings::strings(std::string name, std::vector<std::string> values) {
  auto& list = lists_.emplace_back();
  for (std::string& value : values) {
    const std::string& text = texts_.emplace_back(std::move(value));
    list.push_back({text.data(), text.size()});
  }
  freshet_setting& setting = slot(std::move(name), FRESHET_STRINGS);
  setting.strings = list.data();
  setting.count = list.size();
  return *this;
}

RunningTask::RunningTask(FakeHost& host, freshet_status (*entry)(const freshet_host*, freshet_plugin*), const char* kind,
                         const FakeSettings& settings)
    : host_(host) {
  plugin_.size = sizeof plugin_;
  configured = entry(host.table(), &plugin_);
  if (configured == FRESHET_OK)
    configured = plugin_.configure(host.table(), kind, settings.data(), settings.count(), &task_);
}

RunningTask::~RunningTask() {
  if (task_) plugin_.destroy(task_);
}

freshet_status RunningTask::scan() { return plugin_.scan(task_, host_.table()); }
freshet_status RunningTask::verify() { return plugin_.verify(task_, host_.table()); }

}  // namespace freshet_test
