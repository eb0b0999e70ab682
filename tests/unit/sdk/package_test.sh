#!/bin/sh
# Installs the SDK into an empty prefix and builds the C++ example against it, as a third party would: once with CMake,
# once by make with pkg-config alone; then as a vendor's package is made, with DESTDIR. usage: package_test.sh SOURCE BUILD CMAKE C++-COMPILER
set -eu
# Nothing of this environment helps.
[ -n "${BARE:-}" ] || exec env -i BARE=yes PATH=/usr/local/bin:/usr/bin:/bin HOME=/nonexistent TMPDIR="${TMPDIR:-/tmp}" "$0" "$@"
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
install(FILES part-files.toml DESTINATION ${FRESHET_EXAMPLE_DIR})
END
cat >"$work/project/part-files.toml" <<'END'
[task.part-files]
plugin = "org.freshet.example.part-files"
roots = [{ path = "/srv/downloads" }]
END
cat >"$work/project/Makefile" <<'END'
CXXFLAGS += -std=c++17 -fPIC -fvisibility=hidden $(shell pkg-config --cflags freshet-sdk)
LDFLAGS += -shared -Wl,--version-script=$(shell pkg-config --variable=versionscript freshet-sdk)
second.so: part-files.cc
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $<
install: second.so
	install -D second.so $(DESTDIR)$(shell pkg-config --variable=plugindir freshet-sdk)/second.so
	install -D part-files.toml $(DESTDIR)$(shell pkg-config --variable=exampledir freshet-sdk)/second.toml
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
make -C "$work/project" CXX="$compiler" install >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

for plugin in "$first" "$second"; do
  [ "$(dirname "$plugin")" = "$plugin_dir" ] || { echo "$plugin is not in $plugin_dir"; exit 1; }
  exports=$(nm -D --defined-only "$plugin" | awk '{ print $3 }')
  [ "$exports" = freshet_plugin_entry ] || { echo "$plugin exports: $exports"; exit 1; }
done

# Into a staging directory, as packages are made, nothing beside it.
prefix=$(realpath "$work/prefix")
DESTDIR=$work/stage "$cmake" --install "$work/project/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
make -C "$work/project" CXX="$compiler" DESTDIR="$work/stage" install >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
examples=$(realpath -m "$(pkg-config --variable=exampledir freshet-sdk)")
staged=$(cd "$work/stage" && find . -type f | sed 's/^\.//' | xargs -n 1 realpath -m | sort | tr '\n' ' ')
wanted=$(printf '%s\n' "$plugin_dir/org.vendor.part-files.so" "$plugin_dir/second.so" "$examples/part-files.toml" "$examples/second.toml" |
  sort | tr '\n' ' ')
[ "$staged" = "$wanted" ] || { echo "staged: $staged, not: $wanted"; exit 1; }
find "$prefix/share/doc" -path '*sdk/TUTORIAL.md' | grep -q . || { echo "no pages"; exit 1; }
find "$prefix/share/doc" -path '*sdk/examples/old-links.c' | grep -q . || { echo "no examples"; exit 1; }
echo "both plugins are in $plugin_dir"
