#!/bin/sh
# Installs the SDK into an empty prefix and builds the C++ example against it, as a third party would: once with CMake,
# once with pkg-config alone. usage: package_test.sh SOURCE BUILD CMAKE C++-COMPILER
set -eu
source=$1 build=$2 cmake=$3 compiler=$4
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-sdk.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" --component sdk >"$work/log" || { cat "$work/log"; exit 1; }

mkdir "$work/project"
cp "$source/sdk/examples/part-files.cc" "$work/project"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(Vendor LANGUAGES C CXX)
find_package(FreshetSdk REQUIRED)
freshet_add_plugin(org.vendor.part-files SOURCES part-files.cc)
install(TARGETS org.vendor.part-files LIBRARY DESTINATION ${FRESHET_PLUGIN_DIR})
END
"$cmake" -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --build "$work/project/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --install "$work/project/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
first=$(find "$work/prefix" -name 'org.vendor.part-files.so')

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name freshet-sdk.pc)")
export PKG_CONFIG_PATH
plugin_dir=$(realpath "$(pkg-config --variable=plugindir freshet-sdk)")
second=$plugin_dir/second.so
# shellcheck disable=SC2046
"$compiler" -std=c++17 -shared -fPIC -fvisibility=hidden $(pkg-config --cflags freshet-sdk) \
  -Wl,--version-script="$(pkg-config --variable=versionscript freshet-sdk)" \
  -o "$second" "$work/project/part-files.cc"

for plugin in "$first" "$second"; do
  [ "$(dirname "$plugin")" = "$plugin_dir" ] || { echo "$plugin is not in $plugin_dir"; exit 1; }
  exports=$(nm -D --defined-only "$plugin" | awk '{ print $3 }')
  [ "$exports" = freshet_plugin_entry ] || { echo "$plugin exports: $exports"; exit 1; }
done
echo "both plugins are in $plugin_dir"
