#!/bin/bash
# Every installed public header compiles alone, with nothing but the installed include directory, and reaches no header
# but its own, the compiler's and the C library's: public_headers.sh PREFIX
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$(cd "${1:?usage: public_headers.sh PREFIX}/include/freshet" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failures=0

libc=" $(dpkg -L libc6-dev | tr '\n' ' ') "
compilers=(g++)
! command -v clang++-19 >/dev/null || compilers+=(clang++-19)

# stands_alone COMPILER DIR HEADER: prints what is wrong
stands_alone() {
  local compiler=$1 dir=$2 header=$3 reached status=0
  printf '#include "%s"\n#include "%s"\n' "$header" "$header" >one.cc
  "$compiler" -std=c++23 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -MD -MF deps -I"$dir" one.cc >log 2>&1 ||
    { printf '%s: %s does not compile alone:\n' "$compiler" "$header"; head -20 log; return 1; }
  grep -q "$dir/$header" deps || { echo "$compiler does not say what it read"; return 1; }
  while read -r reached; do
    case $reached in
      one.cc | "$dir"/runtime/* | /usr/include/c++/* | /usr/include/x86_64-linux-gnu/* | /usr/lib/*/include/*) ;;
      /usr/include/[a-z]*/*)
        [[ $reached =~ ^/usr/include/(asm|asm-generic|bits|gnu|linux|sys)/ || $reached =~ ^/usr/include/[a-z0-9]+-linux-gnu/ ]] ||
          { printf '%s reaches %s\n' "$header" "$reached"; status=1; } ;;
      /usr/include/*) [[ $libc == *" $reached "* ]] || { printf '%s reaches %s\n' "$header" "$reached"; status=1; } ;;
      *) printf '%s reaches %s\n' "$header" "$reached"; status=1 ;;
    esac
  done < <(sed 's/^one\.o://; s/\\$//' deps | tr -s ' ' '\n' | sed '/^$/d' | sort -u)
  return "$status"
}

# What is installed is what is listed.
diff <(cd "$include" && find runtime -name '*.h' | sort) <(grep '^[^#]' "$here/../../runtime/public_headers.txt" | sort) ||
  { echo "the installed headers are not those of runtime/public_headers.txt"; failures=1; }

while read -r header; do
  for compiler in "${compilers[@]}"; do stands_alone "$compiler" "$include" "$header" || failures=1; done
  if grep -nEi '\b(boost|toml11|toml|sqlite3?|spdlog|fmt|nlohmann|sodium|zstd)(::|_|/|\.h)' "$include/$header"; then
    echo "$header names a library that it should hide"
    failures=1
  fi
  [[ $(grep -c '^#pragma GCC visibility p' "$include/$header") == 2 ]] ||
    { echo "$header does not say that what it declares is visible (#pragma GCC visibility push(default) .. pop)"; failures=1; }
done < <(cd "$include" && find runtime -name '*.h' | sort)

# Each of these must be noticed.
mkdir -p planted/runtime
planted() {
  printf '#pragma once\n%s\n' "$1" >planted/runtime/planted.h
  ! stands_alone g++ "$PWD/planted" runtime/planted.h >/dev/null || { echo "not noticed: $1"; failures=1; }
}
planted 'inline std::string needs_string();'
planted '#include <boost/version.hpp>'
planted '#include <sqlite3.h>'
planted '#include "runtime/store/history.h"'
exit "$failures"
