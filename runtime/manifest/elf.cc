#include "runtime/manifest/reader.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/bytes.h"

// The file is hostile, and libelf believes headers more than it should. So every header is first read here by memcpy
// and held against the size of the file; libelf only ever sees a file whose tables and sections lie inside it.
//
// Facts about linking are read from the segments (PT_LOAD, PT_DYNAMIC), as the dynamic loader does: section headers
// are only a comment to it, and could tell another story. A plugin that fools these checks gains nothing but a later
// refusal: it runs in the same locked worker.
namespace freshet::manifest {
namespace {

// Beside kPluginLibraries: they are in every process.
constexpr std::array kLibrariesOfAll = {
    std::string_view("libc.so.6"), std::string_view("libgcc_s.so.1"), std::string_view("ld-linux-x86-64.so.2"),
#ifdef FRESHET_SANITIZED
    // A build of the whole tree under a sanitizer, plugins included. An ordinary build has no such names.
    std::string_view("libasan.so.8"),    std::string_view("libubsan.so.1"), std::string_view("libtsan.so.2"),
#endif
};

std::unexpected<Error> refuse(const char* code, std::string what, std::string detail = {}) {
  return fail(code, ErrorKind::invalid, std::move(what), std::move(detail));
}

std::unexpected<Error> damaged(std::string what) {
  return refuse("F2003", "the file is truncated or damaged: " + std::move(what), "copy or build the plugin again");
}

std::string quoted(std::string_view name) { return "`" + escape_bytes(ellipsize(name, 160)) + "`"; }

// True when [offset, offset + length) lies in a file of `size` bytes.
bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

template <class T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t offset) {
  if (!inside(offset, sizeof(T), bytes.size())) return std::nullopt;
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

struct Headers {
  Elf64_Ehdr file{};
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;
};

Result<Elf64_Ehdr> read_file_header(std::string_view bytes) {
  if (bytes.empty()) return refuse("F2001", "the file is empty: not an ELF file");
  if (bytes.substr(0, SELFMAG) != std::string_view(ELFMAG, SELFMAG))
    return refuse("F2001", "not an ELF file", "a plugin is a shared object (.so) built with the Freshet SDK");
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!header) return damaged("it ends inside the ELF header");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != EM_X86_64)
    return refuse("F2002", "built for another machine (ELF machine " + std::to_string(header->e_machine) +
                               (header->e_ident[EI_CLASS] == ELFCLASS32 ? ", 32 bit" : "") +
                               "); this Freshet runs x86-64 plugins");
  if (header->e_type != ET_DYN)
    return refuse("F2001", "an ELF file, but no shared object (ELF type " + std::to_string(header->e_type) + ")",
                  "link the plugin with -shared");
  if (header->e_version != EV_CURRENT) return damaged("unknown ELF version");
  return *header;
}

Result<Headers> read_headers(std::string_view bytes) {
  auto file = read_file_header(bytes);
  if (!file) return std::unexpected(file.error());
  Headers out{.file = *file, .segments = {}, .sections = {}};

  if (file->e_phnum == 0 || file->e_phnum == PN_XNUM || file->e_phentsize != sizeof(Elf64_Phdr))
    return damaged("no usable program headers");
  for (std::uint64_t i = 0; i < file->e_phnum; ++i) {
    const auto offset = file->e_phoff;
    if (!inside(offset, (i + 1) * sizeof(Elf64_Phdr), bytes.size())) return damaged("its program headers lie beyond its end");
    const auto segment = read_at<Elf64_Phdr>(bytes, offset + i * sizeof(Elf64_Phdr));
    if (!inside(segment->p_offset, segment->p_filesz, bytes.size()))
      return damaged("segment " + std::to_string(i) + " lies beyond its end");
    out.segments.push_back(*segment);
  }

  if (file->e_shoff == 0) return out;  // no section headers: there is no manifest either
  // More than 65,279 sections would be numbered in section 0; no plugin has them.
  if (file->e_shentsize != sizeof(Elf64_Shdr) || file->e_shnum == 0 || file->e_shnum >= SHN_LORESERVE ||
      file->e_shstrndx >= file->e_shnum)
    return damaged("no usable section headers");
  for (std::uint64_t i = 0; i < file->e_shnum; ++i) {
    const auto offset = file->e_shoff;
    if (!inside(offset, (i + 1) * sizeof(Elf64_Shdr), bytes.size())) return damaged("its section headers lie beyond its end");
    const auto section = read_at<Elf64_Shdr>(bytes, offset + i * sizeof(Elf64_Shdr));
    if (section->sh_type != SHT_NULL && section->sh_type != SHT_NOBITS &&
        !inside(section->sh_offset, section->sh_size, bytes.size()))
      return damaged("section " + std::to_string(i) + " lies beyond its end");
    out.sections.push_back(*section);
  }
  if (out.sections[file->e_shstrndx].sh_type != SHT_STRTAB) return damaged("no names of sections");
  return out;
}

using Elf_ = std::unique_ptr<Elf, decltype([](Elf* elf) { elf_end(elf); })>;

// libelf reads the memory in place and, opened this way, never writes to it.
Elf_ open_elf(std::string_view bytes) {
  elf_version(EV_CURRENT);
  return Elf_(elf_memory(const_cast<char*>(bytes.data()), bytes.size()));
}

Result<std::string> find_manifest(Elf* elf, const Headers& headers, std::string_view bytes) {
  constexpr const char* kRemedy = "embed one with FRESHET_MANIFEST; a strip that removes it is too much";
  std::optional<Elf64_Shdr> found;
  for (std::size_t i = 0; i < headers.sections.size(); ++i) {
    const char* name = elf_strptr(elf, headers.file.e_shstrndx, headers.sections[i].sh_name);
    if (!name || name != kSectionName) continue;
    if (found) return refuse("F2004", "two sections " + quoted(kSectionName) + "; a plugin has one manifest");
    found = headers.sections[i];
  }
  if (!found) return refuse("F2004", "no manifest: the file has no section " + quoted(kSectionName), kRemedy);
  if (found->sh_type != SHT_PROGBITS || (found->sh_flags & SHF_COMPRESSED) || found->sh_size == 0)
    return refuse("F2004", "no manifest: the section " + quoted(kSectionName) + " is empty or no plain text", kRemedy);
  if (found->sh_size > kMaxManifestBytes)
    return refuse("F2020", "the manifest has " + std::to_string(found->sh_size) + " bytes; at most " +
                               std::to_string(kMaxManifestBytes) + " are read");
  std::string_view text = bytes.substr(found->sh_offset, found->sh_size);
  // The C string's own NUL, and padding of a sanitizer.
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  if (text.empty()) return refuse("F2004", "no manifest: the section " + quoted(kSectionName) + " is empty", kRemedy);
  return std::string(text);
}

// Where the loader finds `address` in the file.
std::optional<std::uint64_t> offset_of(const Headers& headers, std::uint64_t address, std::uint64_t length) {
  for (const Elf64_Phdr& segment : headers.segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t into = address - segment.p_vaddr;
    if (inside(into, length, segment.p_filesz)) return segment.p_offset + into;
  }
  return std::nullopt;
}

// The dynamic section as the loader sees it.
struct Dynamic {
  std::vector<Elf64_Dyn> entries;
  std::string_view strings;

  [[nodiscard]] std::optional<std::uint64_t> value(std::int64_t tag) const {
    const auto found = std::ranges::find(entries, tag, &Elf64_Dyn::d_tag);
    return found == entries.end() ? std::nullopt : std::optional<std::uint64_t>(found->d_un.d_val);
  }
  // Empty when the index is none of the table.
  [[nodiscard]] std::string_view string(std::uint64_t index) const {
    if (index >= strings.size()) return {};
    const auto end = strings.find('\0', index);
    return end == std::string_view::npos ? std::string_view() : strings.substr(index, end - index);
  }
};

Result<Dynamic> read_dynamic(Elf* elf, const Headers& headers, std::string_view bytes) {
  const auto is_dynamic = [](const Elf64_Phdr& segment) { return segment.p_type == PT_DYNAMIC; };
  if (std::ranges::count_if(headers.segments, is_dynamic) != 1)
    return refuse("F2001", "an ELF file, but no shared object (it has no dynamic section)", "link the plugin with -shared");
  const Elf64_Phdr& segment = *std::ranges::find_if(headers.segments, is_dynamic);
  if (offset_of(headers, segment.p_vaddr, segment.p_filesz) != segment.p_offset)
    return damaged("its dynamic section is not where it says");
  Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<std::int64_t>(segment.p_offset), segment.p_filesz, ELF_T_DYN);
  if (!data) return damaged("its dynamic section cannot be read");

  Dynamic out;
  const int count = static_cast<int>(std::min<std::uint64_t>(segment.p_filesz / sizeof(Elf64_Dyn), 4096));
  for (int i = 0; i < count; ++i) {
    GElf_Dyn entry;
    if (!gelf_getdyn(data, i, &entry)) return damaged("its dynamic section cannot be read");
    if (entry.d_tag == DT_NULL) break;
    out.entries.push_back(entry);
  }
  const auto table = out.value(DT_STRTAB);
  const auto length = out.value(DT_STRSZ);
  const auto offset = table && length ? offset_of(headers, *table, *length) : std::nullopt;
  if (!offset || !inside(*offset, *length, bytes.size())) return damaged("its dynamic strings cannot be read");
  out.strings = bytes.substr(*offset, *length);
  return out;
}

Status check_exports(Elf* elf, const Headers& headers, const Dynamic& dynamic) {
  const auto table = dynamic.value(DT_SYMTAB);
  // The number of dynamic symbols stands in the section header only; it must be the header of the loader's table.
  const auto is_table = [&](const Elf64_Shdr& s) { return s.sh_type == SHT_DYNSYM && s.sh_addr == table; };
  const auto section = std::ranges::find_if(headers.sections, is_table);
  if (!table || section == headers.sections.end() || section->sh_entsize != sizeof(Elf64_Sym))
    return damaged("its dynamic symbols cannot be read");
  const auto offset = offset_of(headers, *table, section->sh_size);
  if (offset != section->sh_offset) return damaged("its dynamic symbols are not where it says");
  Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<std::int64_t>(*offset), section->sh_size, ELF_T_SYM);
  if (!data && section->sh_size != 0) return damaged("its dynamic symbols cannot be read");

  bool entry_found = false;
  std::size_t foreign = 0;
  std::string first_foreign;
  const int count = static_cast<int>(section->sh_size / sizeof(Elf64_Sym));
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, i, &symbol)) return damaged("its dynamic symbols cannot be read");
    const unsigned visibility = GELF_ST_VISIBILITY(symbol.st_other);
    if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL || visibility == STV_HIDDEN ||
        visibility == STV_INTERNAL)
      continue;
    const std::string_view name = dynamic.string(symbol.st_name);
    if (name == kEntrySymbol && GELF_ST_TYPE(symbol.st_info) == STT_FUNC) {
      entry_found = true;
    } else if (foreign++ == 0) {
      first_foreign = name;
    }
  }
  if (!entry_found)
    return refuse("F2008", "no entry: the function " + quoted(kEntrySymbol) + " is not exported",
                  "define it with FRESHET_EXPORT (C) or FRESHET_PLUGIN (C++)");
  if (foreign != 0)
    return refuse("F2009",
                  "exports " + quoted(first_foreign) +
                      (foreign > 1 ? " and " + std::to_string(foreign - 1) + " more" : "") + " beside " +
                      quoted(kEntrySymbol),
                  "link with the SDK's version script (freshet_add_plugin does)");
  return {};
}

// One bit, or none.
LibrarySet library_bit(std::string_view name) {
  const auto known = std::ranges::find(kPluginLibraries, name);
  return known == kPluginLibraries.end() ? 0 : static_cast<LibrarySet>(1U << (known - kPluginLibraries.begin()));
}

LibrarySet needed_libraries(const Dynamic& dynamic) {
  unsigned needed = 0;
  for (const Elf64_Dyn& entry : dynamic.entries)
    if (entry.d_tag == DT_NEEDED) needed |= library_bit(dynamic.string(entry.d_un.d_val));
  return static_cast<LibrarySet>(needed);
}

Status check_linking(const Dynamic& dynamic) {
  for (const Elf64_Dyn& entry : dynamic.entries) {
    const std::string_view text = dynamic.string(entry.d_un.d_val);
    switch (entry.d_tag) {
      case DT_NEEDED:
        if (library_bit(text) == 0 && std::ranges::find(kLibrariesOfAll, text) == kLibrariesOfAll.end())
          return refuse("F2014", "needs the library " + quoted(text) + ", which no worker has",
                        "link it into the plugin; only the C and C++ runtime libraries are there");
        break;
      case DT_RPATH:
      case DT_RUNPATH:
        return refuse("F2015", "carries the library search path " + quoted(text) + " (RPATH or RUNPATH)",
                      "link without -rpath (CMake: CMAKE_SKIP_RPATH or freshet_add_plugin)");
      case DT_AUDIT:
      case DT_DEPAUDIT:
      case DT_FILTER:
      case DT_AUXILIARY:
        return refuse("F2016", "asks the loader for an audit or filter library " + quoted(text),
                      "link without --audit, --depaudit, --filter and --auxiliary");
      case DT_TEXTREL:
        return refuse("F2017", "has text relocations: its code would have to be written to",
                      "compile with -fPIC and link with -z text");
      case DT_FLAGS:
        if (entry.d_un.d_val & DF_TEXTREL)
          return refuse("F2017", "has text relocations: its code would have to be written to",
                        "compile with -fPIC and link with -z text");
        break;
      case DT_FLAGS_1:
        if (entry.d_un.d_val & DF_1_PIE)
          return refuse("F2001", "an ELF program, not a shared object", "link the plugin with -shared");
        break;
      default: break;
    }
  }
  return {};
}

Status check_segments(const Headers& headers) {
  bool stack_seen = false;
  int executable = 0;
  for (std::size_t i = 0; i < headers.segments.size(); ++i) {
    const Elf64_Phdr& segment = headers.segments[i];
    if (segment.p_type == PT_GNU_STACK) stack_seen = (segment.p_flags & PF_X) == 0;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) && (segment.p_flags & PF_X))
      return refuse("F2019", "segment " + std::to_string(i) + " is writable and executable at once",
                    "link without -N and without sections that are both");
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X)) ++executable;
  }
  // A worker may map code once.
  if (executable != 1)
    return refuse("F2019", "has " + std::to_string(executable) + " executable segments, not one",
                  "link with the linker's own layout: all code in one segment");
  // Without the note glibc takes the stack to be executable.
  if (!stack_seen)
    return refuse("F2018", "asks for an executable stack", "link with -z noexecstack; assembler files need .note.GNU-stack");
  return {};
}

}  // namespace

Result<ElfFacts> read_elf(std::string_view bytes) {
  if (bytes.size() > kMaxPluginBytes)
    return refuse("F2020", "the file has " + std::to_string(bytes.size()) + " bytes; at most " +
                               std::to_string(kMaxPluginBytes) + " are read");
  auto headers = read_headers(bytes);
  if (!headers) return std::unexpected(headers.error());
  const Elf_ elf = open_elf(bytes);
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF) return damaged(elf_errmsg(-1));

  auto dynamic = read_dynamic(elf.get(), *headers, bytes);
  if (!dynamic) return std::unexpected(dynamic.error());
  auto text = find_manifest(elf.get(), *headers, bytes);
  if (!text) return std::unexpected(text.error());
  if (auto status = check_exports(elf.get(), *headers, *dynamic); !status) return std::unexpected(status.error());
  if (auto status = check_linking(*dynamic); !status) return std::unexpected(status.error());
  if (auto status = check_segments(*headers); !status) return std::unexpected(status.error());

  const auto is_relro = [](const Elf64_Phdr& segment) { return segment.p_type == PT_GNU_RELRO; };
  const bool now = dynamic->value(DT_BIND_NOW).has_value() || (dynamic->value(DT_FLAGS).value_or(0) & DF_BIND_NOW) != 0 ||
                   (dynamic->value(DT_FLAGS_1).value_or(0) & DF_1_NOW) != 0;
  const auto is_symbols = [](const Elf64_Shdr& section) { return section.sh_type == SHT_SYMTAB; };
  return ElfFacts{.manifest_text = std::move(*text),
                  .stripped = std::ranges::none_of(headers->sections, is_symbols),
                  .libraries = needed_libraries(*dynamic),
                  .relro = std::ranges::any_of(headers->segments, is_relro),
                  .bind_now = now};
}

}  // namespace freshet::manifest
