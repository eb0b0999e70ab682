#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "runtime/manifest/reader.h"

namespace freshet::manifest {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

const std::string& real_plugin() {
  static const std::string bytes = read_file(PART_FILES_SO);
  return bytes;
}

std::string code_of(std::string_view bytes) {
  const auto facts = read_elf(bytes);
  if (facts) return "accepted";
  EXPECT_EQ(facts.error().kind, ErrorKind::invalid);
  EXPECT_FALSE(facts.error().what.empty());
  return facts.error().code;
}

const std::set<std::string>& file_codes() {
  static const std::set<std::string> codes{"F2001", "F2002", "F2003", "F2004", "F2008", "F2009", "F2014",
                                           "F2015", "F2016", "F2017", "F2018", "F2019", "F2020"};
  return codes;
}

// One field of the ELF header, another value.
template <class T>
std::string with_header(T Elf64_Ehdr::*field, T value) {
  std::string bytes = real_plugin();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.*field = value;
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Elf64_Ehdr header_of(const std::string& bytes) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

// Every program header that `wanted` picks, changed.
template <class Change>
std::string with_segments(Change change) {
  std::string bytes = real_plugin();
  const Elf64_Ehdr header = header_of(bytes);
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    char* at = bytes.data() + header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, at, sizeof segment);
    change(segment);
    std::memcpy(at, &segment, sizeof segment);
  }
  return bytes;
}

template <class Change>
std::string with_sections(Change change) {
  std::string bytes = real_plugin();
  const Elf64_Ehdr header = header_of(bytes);
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    char* at = bytes.data() + header.e_shoff + i * sizeof(Elf64_Shdr);
    Elf64_Shdr section;
    std::memcpy(&section, at, sizeof section);
    change(section);
    std::memcpy(at, &section, sizeof section);
  }
  return bytes;
}

TEST(ReadElf, ARealPluginGivesItsManifest) {
  const auto facts = read_elf(real_plugin());
  ASSERT_TRUE(facts) << facts.error().what;
  EXPECT_NE(facts->manifest_text.find("org.freshet.example.part-files"), std::string::npos);
  EXPECT_EQ(facts->manifest_text.find('\0'), std::string::npos) << "the C string's end is no part of the text";
  EXPECT_FALSE(facts->stripped);
}

TEST(ReadElf, AStrippedReleaseBuildWorks) {
  const auto facts = read_elf(read_file(TEST_PLUGINS "/stripped/org.freshet.test.well-behaved.so"));
  ASSERT_TRUE(facts) << facts.error().what;
  EXPECT_TRUE(facts->stripped);
  EXPECT_NE(facts->manifest_text.find("org.freshet.test.well-behaved"), std::string::npos);
}

TEST(ReadElf, WhatIsNoElfFileIsF2001) {
  for (const std::string text : {"", "x", "#!/bin/sh\nexit 0\n", "\x7f" "ELG"}) EXPECT_EQ(code_of(text), "F2001");
  EXPECT_EQ(code_of(std::string(100000, '\0')), "F2001");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_type, ET_EXEC)), "F2001");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_type, ET_REL)), "F2001");
}

TEST(ReadElf, AnotherMachineIsF2002AndNamed) {
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_machine, EM_AARCH64)), "F2002");
  std::string bytes = real_plugin();
  bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(code_of(bytes), "F2002");
  bytes = real_plugin();
  bytes[EI_DATA] = ELFDATA2MSB;
  EXPECT_EQ(code_of(bytes), "F2002");
  EXPECT_NE(read_elf(with_header<Elf64_Half>(&Elf64_Ehdr::e_machine, 243)).error().what.find("243"), std::string::npos);
}

TEST(ReadElf, EveryPrefixIsRefusedAsTruncated) {
  const std::string& bytes = real_plugin();
  std::size_t length = 0;
  while (length < bytes.size()) {
    const std::string prefix = bytes.substr(0, length);  // a copy: sanitizers see a read past its end
    EXPECT_EQ(code_of(prefix), length < 4 ? "F2001" : "F2003") << length;
    length += length < 1024 || length + 8192 > bytes.size() ? 1 : 61;
  }
}

TEST(ReadElf, TablesBeyondTheEndAreF2003) {
  for (const std::uint64_t offset : {real_plugin().size(), real_plugin().size() - 1, std::size_t{1} << 63, ~std::size_t{0}}) {
    EXPECT_EQ(code_of(with_header<Elf64_Off>(&Elf64_Ehdr::e_phoff, offset)), "F2003");
    EXPECT_EQ(code_of(with_header<Elf64_Off>(&Elf64_Ehdr::e_shoff, offset)), "F2003");
  }
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_phnum, 0xFFFF)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_phnum, 0)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_shnum, 0xFEFF)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_shnum, 0)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_shstrndx, 0xFFFF)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_shentsize, 1)), "F2003");
  EXPECT_EQ(code_of(with_header<Elf64_Half>(&Elf64_Ehdr::e_phentsize, 0)), "F2003");
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) { s.p_filesz = ~0ULL; })), "F2003");
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) { s.p_offset = ~0ULL; })), "F2003");
  EXPECT_EQ(code_of(with_sections([](Elf64_Shdr& s) { s.sh_size = ~0ULL; })), "F2003");
  EXPECT_EQ(code_of(with_sections([](Elf64_Shdr& s) { s.sh_offset = ~0ULL - 7; })), "F2003");
}

TEST(ReadElf, NoSectionsMeansNoManifest) {
  EXPECT_EQ(code_of(with_header<Elf64_Off>(&Elf64_Ehdr::e_shoff, 0)), "F2004");
}

TEST(ReadElf, ASegmentThatLiesAboutTheDynamicSectionIsF2003) {
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) {
              if (s.p_type == PT_DYNAMIC) s.p_offset += 16;
            })),
            "F2003");
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) {
              if (s.p_type == PT_DYNAMIC) s.p_vaddr = 0x7000000000;
            })),
            "F2003");
}

TEST(ReadElf, ASectionThatLiesAboutTheSymbolsIsF2003) {
  EXPECT_EQ(code_of(with_sections([](Elf64_Shdr& s) {
              if (s.sh_type == SHT_DYNSYM) s.sh_offset += 24;
            })),
            "F2003");
  EXPECT_EQ(code_of(with_sections([](Elf64_Shdr& s) {
              if (s.sh_type == SHT_DYNSYM) s.sh_entsize = 0;
            })),
            "F2003");
}

TEST(ReadElf, NoDynamicSegmentIsNoSharedObject) {
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) {
              if (s.p_type == PT_DYNAMIC) s.p_type = PT_NULL;
            })),
            "F2001");
}

TEST(ReadElf, WithoutTheNoteTheStackIsTakenAsExecutable) {
  EXPECT_EQ(code_of(with_segments([](Elf64_Phdr& s) {
              if (s.p_type == PT_GNU_STACK) s.p_type = PT_NULL;
            })),
            "F2018");
}

TEST(ReadElf, NoSingleBitFlipIsReadWrong) {
  const std::string& original = real_plugin();
  const Elf64_Ehdr header = header_of(original);
  std::set<std::string> seen;
  std::string bytes = original;
  const auto flip_range = [&](std::size_t from, std::size_t length) {
    for (std::size_t i = from; i < std::min(from + length, bytes.size()); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
        const std::string code = code_of(bytes);
        EXPECT_TRUE(code == "accepted" || file_codes().contains(code)) << code;
        seen.insert(code);
        bytes[i] = original[i];
      }
    }
  };
  flip_range(0, sizeof(Elf64_Ehdr));
  flip_range(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
  flip_range(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, original.data() + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type == SHT_DYNAMIC || section.sh_type == SHT_DYNSYM || i == header.e_shstrndx)
      flip_range(section.sh_offset, std::min<std::size_t>(section.sh_size, 1024));
  }
  for (const char* code : {"accepted", "F2001", "F2002", "F2003", "F2004"}) EXPECT_TRUE(seen.contains(code)) << code;
}

// A sanitizer's libraries are let in by a build of the whole tree under that sanitizer, and by no other.
TEST(ReadElf, AnOrdinaryBuildKnowsNoSanitizerLibrary) {
  const std::string library = read_file(READER_LIBRARY);
  ASSERT_NE(library.find("libgcc_s.so.1"), std::string::npos) << "the test does not see the list";
  bool found = false;
  for (const char* name : {"libasan", "libubsan", "libtsan"}) found = found || library.find(name) != std::string::npos;
#ifdef FRESHET_SANITIZED
  EXPECT_TRUE(found);
#else
  EXPECT_FALSE(found);
#endif
}

}  // namespace
}  // namespace freshet::manifest
