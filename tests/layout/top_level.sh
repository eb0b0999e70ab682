#!/bin/bash
# Checks what lies at the top of the tree: top_level.sh [ROOT]. Prints every violation; exit 1 if there is one.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

wanted="CMakeLists.txt README.md config packaging plugins runtime sdk tests"
violations=0
violation() { printf '%s\n' "$*"; violations=1; }

# Git knows what belongs to the project; in an unpacked archive what lies there must do, build folders apart.
if [[ -e .git ]] && listed=$(git ls-files --cached --others --exclude-standard 2>/dev/null); then
  names=$(cut -d/ -f1 <<<"$listed" | sort -u)
else
  names=$(find . -mindepth 1 -maxdepth 1 ! -name 'build*' -printf '%f\n' | sort)
fi
while IFS= read -r name; do
  [[ $name == .* || " $wanted " == *" $name "* ]] || violation "$name does not belong at the top"
done <<<"$names"
for name in $wanted; do
  [[ -e $name ]] || violation "$name is missing"
  [[ ! -d $name || -s $name/README.md ]] || violation "$name/README.md is missing: what belongs there, and what may not"
done
exit "$violations"
