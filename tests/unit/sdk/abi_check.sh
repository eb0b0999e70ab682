#!/bin/bash
# Compares the C ABI with the kept description of its version: abi_check.sh SDK C-COMPILER [--write]
#   no option  every difference fails: what may change at all needs a new minor version, and so a description of its own
#   --write    writes the description of this version anew (sdk/ABI.md says when that is allowed)
# Then bends a copy of the headers in each way that would break a plugin, and fails when one of these is not seen.
set -euo pipefail
export LC_ALL=C
sdk=$1 compiler=$2 write=${3:-}
part() { sed -n "s/^#define FRESHET_ABI_$1 //p" "$sdk/include/freshet/plugin.h"; }
kept=$sdk/abi/plugin-$(part MAJOR).$(part MINOR).abi
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-abi.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Every header of the C ABI, and the one symbol whose types lead to all others.
# describe INCLUDE OUT
describe() {
  local header
  {
    for header in "$1"/freshet/*.h; do printf '#include <freshet/%s>\n' "${header##*/}"; done
    cat <<'END'
FRESHET_MANIFEST("");
freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  (void)host;
  (void)out;
  return FRESHET_OK;
}
END
  } >"$work/all.c"
  # The directory of a translation unit is in its description.
  (cd "$work" && "$compiler" -std=c11 -g -O0 -fno-eliminate-unused-debug-types -shared -fPIC -fvisibility=hidden -I"$1" all.c -o all.so)
  abidw --load-all-types --no-corpus-path --no-comp-dir-path --no-show-locs "$work/all.so" >"$2"
}

# compare NEW: prints what differs.
compare() { abidiff --non-reachable-types "$kept" "$1"; }

if [[ $write == --write ]]; then
  describe "$sdk/include" "$kept"
  exit
fi
describe "$sdk/include" "$work/now.abi"
compare "$work/now.abi" || { echo "the C ABI is not what $kept describes; see sdk/ABI.md"; exit 1; }

failed=0
# bend NAME SED-EXPRESSION
bend() {
  rm -rf "$work/include"
  cp -r "$sdk/include" "$work/include"
  sed -i "$2" "$work/include/freshet/plugin.h"
  ! cmp -s "$work/include/freshet/plugin.h" "$sdk/include/freshet/plugin.h" || { echo "$1: the header has no such line"; failed=1; return; }
  describe "$work/include" "$work/bent.abi"
  ! compare "$work/bent.abi" >"$work/difference" || { echo "$1 is not seen"; failed=1; }
}
bend 'a reordered member' '/^  uint64_t inode;/{h;d}; /^  uint64_t bytes;/{G}'
bend 'a changed type' 's/^  uint32_t links;/  int32_t links;/'
bend 'a removed function of the host' '/^  int64_t (\*now)/d'
bend 'a function with another argument' 's/(\*now)(const freshet_host \*host)/(*now)(const freshet_host *host, int how)/'
bend 'a changed enum value' 's/FRESHET_FILE = 1/FRESHET_FILE = 9/'
bend 'a changed status' 's/FRESHET_UNREADABLE = -2/FRESHET_UNREADABLE = -9/'
bend 'a struct without a size that grows' 's/^  size_t length;$/  size_t length;\n  int more;/'
bend 'a struct with a size that grows in its middle' 's/^  uint64_t inode;/  uint64_t more;\n  uint64_t inode;/'
bend 'a struct with a size that grows at its end' 's/^  uint32_t flags;$/  uint32_t flags;\n  uint64_t more;/'
exit "$failed"
