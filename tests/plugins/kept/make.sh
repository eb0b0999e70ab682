#!/bin/bash
# Builds the plugins that are kept of the SDK's present version, as a vendor ships them: small, stripped, by both compilers, in
# both languages. Once for a version, when it is released: a directory that is there stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
sdk=../../../sdk
part() { sed -n "s/^#define FRESHET_ABI_$1 //p" "$sdk/include/freshet/plugin.h"; }
version=$(part MAJOR).$(part MINOR)
[[ ! -e $version ]] || { echo "$version is kept already" >&2; exit 1; }
options=(-O2 -fPIC -shared -fvisibility=hidden -I"$sdk/include" -s -Wl,-z,relro,-z,now,-z,noexecstack,-z,text,-z,defs
  -Wl,--as-needed,--gc-sections "-Wl,--version-script=$sdk/cmake/freshet_plugin.map")
for made in "gcc -std=c11" "clang-19 -std=c11" "g++ -std=c++17" "clang++-19 -std=c++17"; do
  read -r compiler standard <<<"$made"
  name=part-files source=part-files.cc
  [[ $standard != -std=c11 ]] || name=old-links source=old-links.c
  mkdir -p "$version/$compiler"
  "$compiler" "$standard" "${options[@]}" -o "$version/$compiler/org.freshet.example.$name.so" "$sdk/examples/$source"
done
ls -l "$version"/*
