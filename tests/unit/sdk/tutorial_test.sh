#!/bin/bash
# Runs every `sh` block of sdk/TUTORIAL.md, in order and in one shell, against an installed prefix. Each line of a `text` block
# has to be in what was printed since the one before. usage: tutorial_test.sh SOURCE BUILD CMAKE C++-COMPILER
set -euo pipefail
source=$1 build=$2 cmake=$3
export CXX=$4 LC_ALL=C.UTF-8
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-tutorial.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
export PATH=$work/prefix/bin:$(dirname "$cmake"):$PATH CMAKE_PREFIX_PATH=$work/prefix XDG_STATE_HOME=$work/xdg HOME=$work
mkdir "$work/here"

# A block of commands ends with `echo` of a mark, a block of text becomes a file of its own.
awk -v work="$work" '
  /^```sh$/   { inside = "sh"; next }
  /^```text$/ { inside = "text"; ++texts; next }
  /^```$/     { if (inside == "text") print "echo ----- " texts; inside = ""; next }
  inside == "sh"   { print; ++commands }
  inside == "text" { print > (work "/text." texts) }
  END { print "# " commands " lines" }' "$source/sdk/TUTORIAL.md" >"$work/commands"
(cd "$work/here" && bash -euo pipefail "$work/commands") >"$work/out" 2>&1 </dev/null ||
  { echo "FAILED: a command of the tutorial"; tail -n 40 "$work/out"; exit 1; }

number=1
while [[ -e $work/text.$number ]]; do
  awk -v number="$number" '/^----- / { at = $2; next } at + 1 == number' "$work/out" >"$work/part"
  while IFS= read -r line; do
    grep -qF -- "$line" "$work/part" || { echo "FAILED: not printed: $line"; cat "$work/part"; exit 1; }
  done <"$work/text.$number"
  number=$((number + 1))
done
((number > 5)) || { echo "FAILED: only $number texts"; exit 1; }
echo "the tutorial holds: $(grep -c . "$work/commands") lines of commands, $((number - 1)) texts"
