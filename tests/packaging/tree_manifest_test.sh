#!/bin/bash
# The quick start proves a rollback with packaging/tree_manifest.sh. Here that proof is proved: every kind of change to
# a tree must show in the manifest, and a faithful copy must show none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

packaging/demo_tree.sh "$scratch/demo"
origin=$scratch/demo/uploads copy=$scratch/copy
chmod 0400 "$origin/special/nobody-may"  # so that an ordinary user's cp can copy it
packaging/tree_manifest.sh "$origin" >"$scratch/origin.manifest"

entries=$(find "$origin" -printf . | wc -c)
[[ $(wc -l <"$scratch/origin.manifest") == "$entries" ]] || { echo "not one line for each of $entries entries"; exit 1; }
((entries > 100)) || { echo "only $entries entries"; exit 1; }

same() {
  packaging/tree_manifest.sh "$copy" >"$scratch/copy.manifest"
  cmp -s "$scratch/origin.manifest" "$scratch/copy.manifest"
}
fresh_copy() { rm -rf "$copy" && cp -a "$origin" "$copy"; }
# seen WHAT COMMAND..: a copy changed by COMMAND does not pass for the origin; the times are put back where they can be
seen() {
  local what=$1 directory
  shift
  fresh_copy
  (cd "$copy" && "$@")
  for directory in . links special recent empty 'two words'; do
    [[ $what == *directory* ]] || touch -r "$origin/$directory" "$copy/$directory"
  done
  if same; then echo "not seen: $what"; failures=$((failures + 1)); fi
}
one_byte() { printf X | dd of="$1" bs=1 seek=30 conv=notrunc status=none && touch -r "$origin/$1" "$1"; }
copied_link() { cp -p links/twice.1 x && mv x links/twice.1; }
relinked() { ln -f links/once.2 links/twice.1; }
retargeted() { ln -sfn /tmp links/to-the-outside && touch -h -r "$origin/links/to-the-outside" links/to-the-outside; }
became_file() { rm special/pipe && touch -r "$origin/special/pipe" special/pipe; }

fresh_copy
same || { echo "a faithful copy differs:"; diff "$scratch/origin.manifest" "$scratch/copy.manifest"; exit 1; }

seen 'mode of a file' chmod 0600 special/run-me
seen 'mode of a directory' chmod 0700 links
stamp=$(stat -c %.9Y "$origin/recent/shared")
seen 'time of a file, by a nanosecond' touch -d "@${stamp%?}$(((${stamp: -1} + 1) % 10))" recent/shared
seen 'time of a directory' touch empty/a
seen 'time of a link' touch -h links/dangling
seen 'one byte of a file' one_byte recent/report-1.pdf
seen 'a missing file' rm -- 'two words/-rf'
seen 'a missing name with a newline' rm -- $'two words/new\nline'
seen 'a new file' cp -p recent/shared recent/another
seen 'a missing empty directory' rmdir empty/b/c/d
seen 'another name' mv -- 'two words/with space' 'two words/with  space'
seen 'blank at the end of a name' mv -- 'two words/ leading and trailing ' 'two words/ leading and trailing'
seen 'a hard link that became a copy' copied_link
seen 'a hard link to another file' relinked
seen 'where a link points' retargeted
seen 'a fifo that became a file' became_file
if ((EUID == 0)); then seen 'owner' chown -h 12345:33 links/once.1; fi

((failures == 0)) || exit 1
