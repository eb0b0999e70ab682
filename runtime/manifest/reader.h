#pragma once

#include <string>
#include <string_view>

#include "runtime/manifest/manifest.h"

// Reads a plugin's file and its manifest. Only the probe links this (libelf, toml11): the manager never parses a
// plugin's bytes.
namespace freshet::manifest {

// What the ELF file itself says; the probe makes it with libelf, in its sandbox.
struct ElfFacts {
  std::string manifest_text;
  bool stripped = false;
};

// All refusals about the file that need no manifest (F2001..F2004, F2008, F2009, F2014..F2019).
// `bytes` is the whole file; nothing of it is executed or mapped executable. Uses libelf.
Result<ElfFacts> read_elf(std::string_view bytes);

// TOML text to a manifest (F2005 with line and column, F2006 naming the key). Unknown keys are errors with a
// suggestion. Size cap kMaxManifestBytes, nesting cap 32. Only the probe's code links this (toml11).
Result<Manifest> parse_manifest(std::string_view text);

}  // namespace freshet::manifest
