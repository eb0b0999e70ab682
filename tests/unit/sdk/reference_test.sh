#!/bin/bash
# The reference of the headers is made without a warning and has what the headers say; a header that doxygen does not
# understand is seen. usage: reference_test.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-reference.XXXXXX")
trap 'rm -rf "$work"' EXIT
# make TREE OUT
make() { (cd "$1" && mkdir -p "$2" && FRESHET_DOCS=$2 doxygen sdk/Doxyfile) >"$2.log" 2>&1; }

make "$source" "$work/docs" || { cat "$work/docs.log"; exit 1; }
[[ ! -s $work/docs.log ]] || { cat "$work/docs.log"; exit 1; }
for text in 'opens a directory: a root' 'names the task kinds' 'valid until the next dir_next' 'What a plugin is' 'The states of a task' 'The ABI as a contract'; do
  grep -rqs --exclude='*_source.html' "$text" "$work/docs/html" || { echo "the reference does not say: $text"; exit 1; }
done

mkdir "$work/tree"
cp -r "$source/sdk" "$work/tree/sdk"
printf '\n/** \\param nothing of the kind */\nint freshet_bent(int there);\n' >>"$work/tree/sdk/include/freshet/plugin.h"
! make "$work/tree" "$work/bent" || { echo "a wrong comment makes no warning"; exit 1; }
