#!/bin/bash
# Prints what a directory tree is, one line an entry, in byte order of the names: tree_manifest.sh DIR
#   path  type  mode  owner:group  size  mtime (ns)  links  hard-link group  content or target
# Two manifests are equal exactly when the trees are: names, kinds, modes, owners, times, hard links and every byte.
# Left out is what a removal that came back cannot keep (the change time) and what only the file system decides (the
# size of a directory). It uses find and sha256sum alone, nothing of Freshet.
set -euo pipefail
export LC_ALL=C

cd -- "${1:?usage: tree_manifest.sh DIR}"

# Every reader below ends its records with NUL; %q keeps any name on one line, newlines and bytes that are not text
# included.
declare -A sum target first
while IFS= read -r -d '' record; do
  sum[${record:66}]=${record:0:64}
done < <(find . -type f -print0 | xargs -0 -r sha256sum --zero -- 2>/dev/null || true)
while IFS= read -r -d '' path && IFS= read -r -d '' to; do
  target[$path]=$to
done < <(find . -type l -printf '%p\0%l\0')

while IFS=' ' read -r -d '' type mode owner size mtime links device inode path; do
  path=${path%/}  # the slash kept `read` from eating blanks at the end of a name
  what=-
  group=-
  case $type in
    d) size=- links=- ;;
    f) what=${sum[$path]:-unreadable} ;;
    l) printf -v what -- '->%q' "${target[$path]}" ;;
  esac
  if [[ $links != - && $links != 1 ]]; then
    key=$device:$inode
    [[ -n ${first[$key]:-} ]] || first[$key]=$path
    printf -v group '%q' "${first[$key]}"
  fi
  printf '%q  %s  %s  %s  %s  %s  %s  %s  %s\n' "$path" "$type" "$mode" "$owner" "$size" "$mtime" "$links" "$group" "$what"
done < <(find . -printf '%y %m %U:%G %s %T@ %n %D %i %p/\0' | sort -z -t ' ' -k 9)
