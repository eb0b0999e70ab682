// craft IN OUT HOW: makes of a good plugin a file that is broken in one place no compiler would break.
#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

bool craft(std::string& bytes, std::string_view how) {
  if (bytes.size() < sizeof(Elf64_Ehdr)) return false;
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (how == "not-elf") {
    bytes = "This is no shared object.\n";
  } else if (how == "wrong-machine") {
    header.e_machine = EM_AARCH64;
    std::memcpy(bytes.data(), &header, sizeof header);
  } else if (how == "truncated") {
    bytes.resize(bytes.size() / 2);
  } else if (how == "writable-code" || how == "scattered-code") {
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
      char* at = bytes.data() + header.e_phoff + i * sizeof(Elf64_Phdr);
      Elf64_Phdr segment;
      std::memcpy(&segment, at, sizeof segment);
      const bool code = (segment.p_flags & PF_X) != 0;
      if (segment.p_type == PT_LOAD && code && how == "writable-code") segment.p_flags |= PF_W;
      if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0 && how == "scattered-code") segment.p_flags |= PF_X;
      std::memcpy(at, &segment, sizeof segment);
    }
  } else {
    return how == "too-large";
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: craft IN OUT not-elf|wrong-machine|truncated|writable-code|scattered-code|too-large\n";
    return 64;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in || !craft(bytes, argv[3])) {
    std::cerr << "craft: cannot make " << argv[3] << " of " << argv[1] << "\n";
    return 1;
  }
  std::ofstream out(argv[2], std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  // A hole: it costs no room on disk.
  if (std::string_view(argv[3]) == "too-large") std::filesystem::resize_file(argv[2], 65ULL << 20);
  return out ? 0 : 1;
}
