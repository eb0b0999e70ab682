#!/bin/bash
# Checks who includes and links whom: layering.sh [ROOT]. Prints every violation; exit 1 if there is one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/../..}"

declare -A position role_may cli_may public cli_does
violations=0
count=0
while IFS= read -r line; do
  case $line in
    '' | '#'*) ;;
    role:*) for layer in ${line#role:}; do role_may[$layer]=1; done ;;
    *) position[$line]=$((++count)) ;;
  esac
done <"$here/layers.txt"
headers_in() { sed -E '/^(#|$)/d' "$1"; }
while IFS= read -r path; do public[$path]=1; done < <(headers_in runtime/public_headers.txt)
while IFS= read -r path; do cli_may[$path]=1; done < <(headers_in tests/layout/cli_includes.txt)

violation() { printf '%s\n' "$*"; violations=$((violations + 1)); }

# "FILE:LINE:PATH" for every include below the folders given, quotes and brackets apart.
includes() {
  grep -RnE --include='*.h' --include='*.hpp' --include='*.cc' --include='*.c' \
    '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$@" |
    sed -E 's/^([^:]+:[0-9]+):[^"<]*(["<])([^">]*).*/\1 \2 \3/'
}

# A layer may build several libraries; freshet_manifest_reader is of the layer manifest.
layer_of() {
  local name=${1#freshet_}
  until [[ -n ${position[$name]:-} || $name != *_* ]]; do name=${name%_*}; done
  printf '%s' "$name"
}
declare -A links
for list in runtime/*/CMakeLists.txt; do
  layer=${list#runtime/}
  layer=${layer%%/*}
  links[$layer]=' '
  while read -r library; do links[$layer]+="$(layer_of "$library") "; done < <(
    sed 's/#.*//' "$list" | grep -oE '\bfreshet_[a-z_]+' | sort -u
  )
done

# ---- runtime/ ----
while read -r where mark path; do
  file=${where%:*}
  layer=${file#runtime/}
  layer=${layer%%/*}
  if [[ $layer != role && -z ${position[$layer]:-} ]]; then
    violation "$where: folder runtime/$layer is not in tests/layout/layers.txt"
    continue
  fi
  if [[ $path != runtime/* ]]; then
    [[ $mark == '<' || $path == freshet/* ]] || violation "$where: includes \"$path\"; write it from the repository root"
    continue
  fi
  target=${path#runtime/}
  target=${target%%/*}
  [[ $target != "$layer" ]] || continue
  if [[ $layer == role ]]; then
    [[ -n ${role_may[$target]:-} ]] || violation "$where: the role executable includes $path"
  elif [[ -z ${position[$target]:-} ]] || ((position[$target] > position[$layer])); then
    violation "$where: layer $layer includes $path of a later layer"
  elif [[ ${links[$layer]:-} != *" $target "* ]]; then
    violation "$where: layer $layer includes $path, but its CMakeLists.txt does not link freshet_$target"
  fi
  if [[ $layer == cli ]]; then
    cli_does[$path]=1
    [[ -n ${cli_may[$path]:-} ]] || violation "$where: the command line includes $path, which tests/layout/cli_includes.txt does not name"
  fi
done < <(includes runtime)

for path in "${!cli_may[@]}"; do
  [[ $path =~ ^runtime/(base|conformance|report|daemon)/ || -n ${public[$path]:-} ]] ||
    violation "tests/layout/cli_includes.txt: names $path, which is not public"
  [[ -n ${cli_does[$path]:-} ]] || violation "tests/layout/cli_includes.txt: names $path, which the command line does not include"
done

for layer in "${!links[@]}"; do
  for target in ${links[$layer]}; do
    [[ -n ${position[$target]:-} && $target != "$layer" ]] || continue
    if [[ $layer == role ]]; then
      [[ -n ${role_may[$target]:-} ]] || violation "runtime/role/CMakeLists.txt: links $target"
    elif ((position[$target] > ${position[$layer]:-0})); then
      violation "runtime/$layer/CMakeLists.txt: links $target, a later layer"
    fi
  done
done

# ---- sdk/ and plugins/: third parties build against the SDK alone, and so do we ----
while read -r where _ path; do
  [[ $path != *runtime/* ]] || violation "$where: the SDK includes $path"
done < <(includes sdk)
while read -r where mark path; do
  case $mark$path in
    '<freshet/'* | '"freshet/'*) ;;
    *runtime/*) violation "$where: a plugin includes $path; it may use SDK headers only" ;;
    '<'*.h | '<'*.hpp) [[ $path =~ ^(linux/|sys/)?[a-z_0-9]+\.h$ ]] || violation "$where: a plugin includes <$path>" ;;
    '<'*/*) violation "$where: a plugin includes <$path>" ;;
    '<'*) ;;
    *) [[ -e $path || -e ${where%/*}/$path ]] || violation "$where: a plugin includes $path, which is not its own" ;;
  esac
done < <(includes plugins)

((violations == 0)) || { printf '%d violations\n' "$violations"; exit 1; }
