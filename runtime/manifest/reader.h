#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/manifest/manifest.h"

// Reads a plugin's file and its manifest. Only the probe links this (libelf, toml11): the manager never parses a
// plugin's bytes.
namespace freshet::manifest {

// What the ELF file itself says; the probe makes it with libelf, in its sandbox.
struct ElfFacts {
  std::string manifest_text;
  bool stripped = false;
  LibrarySet libraries = 0;  // that it needs
  bool relro = false;        // what the loader has written is read-only afterwards
  bool bind_now = false;     // every symbol is looked up when it is loaded
};

// All refusals about the file that need no manifest (F2001..F2004, F2008, F2009, F2014..F2020).
// `bytes` is the whole file; nothing of it is executed or mapped executable. Uses libelf.
Result<ElfFacts> read_elf(std::string_view bytes);

// "walk+28" for each address in the code of a file that read_elf took: function, and bytes from its begin; empty: unknown.
std::vector<std::string> name_addresses(std::string_view bytes, const std::vector<std::uint64_t>& addresses);

// TOML text to a manifest (F2005 with line and column, F2006 naming the key, F2020 over kMaxManifestBytes). Unknown keys
// are errors with a suggestion. The error's `what` is the first fault with its place; `detail` shows it and all others.
// Nesting cap 32 before toml11 sees the text.
Result<Manifest> parse_manifest(std::string_view text);

}  // namespace freshet::manifest
