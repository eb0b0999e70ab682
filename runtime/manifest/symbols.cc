#include "runtime/manifest/reader.h"

#include <cxxabi.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "runtime/base/bytes.h"

// The file is hostile: every structure is copied out of it after its place was held against the file's size.
namespace freshet::manifest {
namespace {

constexpr std::size_t kMaxSections = 4096;
constexpr std::size_t kMaxShown = 120;

template <class T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return std::nullopt;
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

std::string_view part_of(std::string_view bytes, const Elf64_Shdr& section) {
  if (section.sh_offset > bytes.size() || section.sh_size > bytes.size() - section.sh_offset) return {};
  return bytes.substr(section.sh_offset, section.sh_size);
}

struct Symbols {
  std::string_view table, names;
};

// Of the full table where there is one, else of what it exports.
Symbols find_symbols(std::string_view bytes) {
  Symbols out;
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr)) return out;
  const auto section = [&](std::size_t i) { return read_at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr)); };
  for (std::size_t i = 0; i < header->e_shnum && i < kMaxSections; ++i) {
    const auto table = section(i);
    if (!table || (table->sh_type != SHT_SYMTAB && (table->sh_type != SHT_DYNSYM || !out.table.empty()))) continue;
    const auto names = table->sh_link < header->e_shnum ? section(table->sh_link) : std::nullopt;
    if (names && names->sh_type == SHT_STRTAB) out = {part_of(bytes, *table), part_of(bytes, *names)};
  }
  return out;
}

std::string readable(std::string_view name) {
  const std::string text(name);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(text.c_str(), nullptr, nullptr, &status), std::free);
  return ellipsize(escape_bytes(status == 0 && plain ? plain.get() : text), kMaxShown);
}

std::string name_of(const Symbols& symbols, std::uint64_t address) {
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.table.size(); at += sizeof(Elf64_Sym)) {
    const auto symbol = read_at<Elf64_Sym>(symbols.table, at);
    if (!symbol || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF) continue;
    if (address < symbol->st_value || address - symbol->st_value >= symbol->st_size || symbol->st_name >= symbols.names.size()) continue;
    const std::string_view rest = symbols.names.substr(symbol->st_name, 4096);
    return readable(rest.substr(0, rest.find('\0'))) + "+" + std::to_string(address - symbol->st_value);
  }
  return "";
}

}  // namespace

std::vector<std::string> name_addresses(std::string_view bytes, const std::vector<std::uint64_t>& addresses) {
  const Symbols symbols = find_symbols(bytes);
  std::vector<std::string> out;
  for (const std::uint64_t address : addresses) out.push_back(name_of(symbols, address));
  return out;
}

}  // namespace freshet::manifest
