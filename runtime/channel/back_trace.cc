#include "runtime/channel/back_trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/base/lines.h"
#include "runtime/base/proc_file.h"
#include "runtime/sandbox/private_root.h"

namespace freshet::channel {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

std::uint64_t hexadecimal(std::string_view text) {
  std::uint64_t out = 0;
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return out;
}

struct Code {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t base = 0;  // where the file's first byte is
  std::string file;
  bool host = false;  // the role executable
};

std::vector<Code> read_code(int proc) {
  std::vector<Code> out;
  std::map<std::string, std::uint64_t, std::less<>> bases;
  for_each_line(read_proc(proc, "maps"), [&](std::string_view line) {
    const std::string_view range = next_word(line);
    const std::string_view rights = next_word(line);
    for (int i = 0; i < 3; ++i) next_word(line);  // offset, device, inode
    const std::string path(line.substr(std::min(line.find_first_not_of(' '), line.size())));
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos || path.empty() || path[0] == '[') return;
    const std::uint64_t begin = hexadecimal(range.substr(0, dash));
    const std::uint64_t base = bases.emplace(path, begin).first->second;
    if (!rights.contains('x')) return;
    const bool plugin = is_plugin_mapping(path);
    const std::string name = escape_bytes(path.substr(path.rfind('/') + 1));
    out.push_back({begin, hexadecimal(range.substr(dash + 1)), base, plugin ? "" : name, name.starts_with("freshet-role")});
  });
  return out;
}

// The lengths of calls: E8 with four bytes, and FF /2 in its forms.
bool is_behind_call(int memory, std::uint64_t address) {
  std::array<unsigned char, 7> b{};
  if (::pread(memory, b.data(), b.size(), static_cast<off_t>(address - b.size())) != static_cast<ssize_t>(b.size())) return false;
  if (b[2] == 0xe8) return true;
  for (const std::size_t length : {2U, 3U, 4U, 6U, 7U})
    if (b[b.size() - length] == 0xff && (b[b.size() - length + 1] & 0x38) == 0x10) return true;
  return false;
}

}  // namespace

bool is_plugin_mapping(std::string_view line) { return line.ends_with(sandbox::kPrivatePluginPath) || line.contains("/memfd:"); }

std::optional<ThreadPlace> place_of_thread(int proc, int thread) {
  const std::string text = read_proc(proc, ("task/" + std::to_string(thread) + "/syscall").c_str());
  std::string_view rest = text;
  for (int i = 0; i < 7; ++i) next_word(rest);  // its number and arguments
  ThreadPlace out;
  out.stack = hexadecimal(next_word(rest));
  out.code = hexadecimal(next_word(rest));
  if (out.stack == 0 || out.code == 0) return std::nullopt;
  return out;
}

std::vector<Frame> read_back_trace(int proc, const ThreadPlace& place) {
  std::vector<Frame> out;
  const Fd memory(::openat(proc, "mem", O_RDONLY | O_CLOEXEC));
  if (!memory) return out;
  const std::vector<Code> code = read_code(proc);
  bool in_plugin = false;
  const auto take = [&](std::uint64_t address, bool called) {  // false: all that matters has been seen
    for (const Code& one : code) {
      if (address < one.begin || address >= one.end || (called && !is_behind_call(memory.get(), address))) continue;
      if (one.host && in_plugin) return false;
      in_plugin = in_plugin || one.file.empty();
      out.push_back({address - one.base - (called ? 1 : 0), one.file});  // in the call, not behind it
      break;
    }
    return out.size() < kMaxFrames;
  };
  if (!take(place.code, false)) return out;
  std::vector<std::uint64_t> stack(kStackBytes / sizeof(std::uint64_t));
  const ssize_t got = ::pread(memory.get(), stack.data(), kStackBytes, static_cast<off_t>(place.stack & ~7ULL));
  stack.resize(got > 0 ? static_cast<std::size_t>(got) / sizeof(std::uint64_t) : 0);
  for (const std::uint64_t word : stack)
    if (!take(word, true)) break;
  return out;
}

}  // namespace freshet::channel
