#!/bin/bash
# How long a removal takes beside `find -delete`, on equal trees, interleaved; and how much memory Freshet needs.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/benchmark/removal.sh [OPTION..]

  --build DIR      a build of Freshet with its tests (default: build/check/quick, else build)
  --files N        files in a tree (200000)
  --dirs N         directories in a tree (2000)
  --bytes N        bytes in a file (100)
  --rounds N       rounds; each runs every variant once, on a fresh tree (3)
  --memory-files N the smaller tree of the memory comparison (a tenth of --files)
  --place DIR      where the trees are made (default: a fresh directory in TMPDIR or /tmp)
  --image          make and mount a fresh ext4 image for it instead (root)
END
}

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
build='' files=200000 dirs=2000 bytes=100 rounds=3 memory_files='' place='' image=0
take_options 'build files dirs bytes rounds memory-files place' 'image' "$@"
find_build measure freshet make_tree
freshet=$build/bin/freshet make_tree=$build/bin/make_tree measure=$build/bin/measure
memory_files=${memory_files:-$((files / 10))}

work=$(mktemp -d "${place:-${TMPDIR:-/tmp}}/freshet-removal.XXXXXX")
leave() {
  ((!image)) || ! mountpoint -q "$work/mount" || umount "$work/mount"
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM
mkdir "$work/mount" "$work/reports"
if ((image)); then
  truncate -s $((files * (bytes + 8192) + (1 << 30))) "$work/image"
  mkfs.ext4 -q -N $((files * 2 + dirs * 4 + 10000)) "$work/image"
  mount -o loop,noatime "$work/image" "$work/mount"
fi
cd "$work/mount"

# config FILE MODE ROOT: the whole tree is old, so the budget must allow all of it
config() {
  cat >"$1" <<END
[channel.benchmark]
roots = [{ path = "$3" }]
budget = { entries = 100000000, share = 1.0 }
quarantine = { mode = "$2" }
irreversible = "allowed"

[task.everything-old]
plugin = "org.freshet.expired-files"
channel = "benchmark"
settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }
END
}
tree=$work/mount/tree
config "$work/keep.toml" keep "$tree"
config "$work/none.toml" none "$tree"

# measured NAME SAMPLE_MS COMMAND..: adds a line to reports/NAME
measured() {
  local name=$1
  shift
  "$measure" "$work/report" "$@" </dev/null >"$work/output" 2>&1 ||
    { echo "removal.sh: $name failed:" >&2; cat "$work/output" >&2; exit 1; }
  cat "$work/report" >>"$work/reports/$name"
}
fresh_tree() {
  rm -rf "$tree" "$work/state"
  "$make_tree" "$tree" "$1" "$dirs" "$bytes" 90
  sync -f "$work/mount"
}
# emptied MODE: the tree is gone from its place, all of it
emptied() {
  local left
  left=$(find "$tree" -mindepth 1 -name '.freshet*' -prune -o -mindepth 1 -printf . | wc -c)
  ((left == 0)) || { echo "removal.sh: $left entries are still there after $1" >&2; exit 1; }
}

# variant NAME FILES [memory]: one variant on a fresh tree; with memory the peak is taken, else the time
variant() {
  local sample=0 report=$1 keep none
  keep=("$freshet" --config "$work/keep.toml" --state-dir "$work/state" --quiet)
  none=("$freshet" --config "$work/none.toml" --state-dir "$work/state" --quiet)
  [[ -z ${3:-} ]] || sample=5 report=$1.memory.$2
  fresh_tree "$2"
  case $1 in
    find) measured "$report" $sample find "$tree" -mindepth 1 -delete ;;
    none) measured "$report" $sample "${none[@]}" run --yes ;;
    keep) measured "$report" $sample "${keep[@]}" run --yes ;;
    purge)
      measured "$report" $sample "${keep[@]}" run --yes
      measured "$report" $sample "${keep[@]}" purge latest
      # Two commands, one line: times add up, of memory the larger peak counts.
      join_last_two "$work/reports/$report"
      ;;
  esac
  emptied "$1"
}
join_last_two() {
  awk -F '[= ]' '{ line[NR] = $0; wall[NR] = $2; cpu[NR] = $4; pss[NR] = $6; rss[NR] = $8; n[NR] = $10 }
    function larger(a, b) { return a > b ? a : b }
    END {
      for (i = 1; i < NR - 1; i++) print line[i]
      a = NR - 1; b = NR
      printf "wall_ms=%s cpu_ms=%s peak_pss_kib=%s peak_rss_kib=%s processes=%s\n", wall[a] + wall[b], cpu[a] + cpu[b],
        larger(pss[a], pss[b]), larger(rss[a], rss[b]), larger(n[a], n[b])
    }' "$1" >"$work/joined"
  mv "$work/joined" "$1"
}

variants=(find none keep purge)
for ((round = 1; round <= rounds; ++round)); do
  for name in "${variants[@]}"; do
    [[ ! -t 2 ]] || printf '\rround %d of %d: %-6s' "$round" "$rounds" "$name" >&2
    variant "$name" "$files"
  done
done
for name in none keep purge; do
  for size in "$memory_files" "$files"; do
    [[ ! -t 2 ]] || printf '\rmemory: %-6s %8d files' "$name" "$size" >&2
    variant "$name" "$size" memory
  done
done
[[ ! -t 2 ]] || printf '\r%60s\r' '' >&2

values() { sed -nE "s/.*\b$2=([0-9.]+).*/\1/p" "$work/reports/$1"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

printf '%s files of %s bytes in %s directories on %s, %s rounds, interleaved; %s CPUs, Linux %s\n\n' "$files" "$bytes" \
  "$dirs" "$(stat -f -c %T .)" "$rounds" "$(nproc)" "$(uname -r)"
printf '%-34s %10s %10s %10s %10s\n' variant 'median ms' 'min ms' 'max ms' 'to find'
base=$(values find wall_ms | median)
label() {
  case $1 in
    find) echo "find -delete" ;;
    none) echo "freshet run, quarantine none" ;;
    keep) echo "freshet run, quarantine" ;;
    purge) echo "freshet run, quarantine, purge" ;;
  esac
}
for name in "${variants[@]}"; do
  middle=$(values "$name" wall_ms | median)
  printf '%-34s %10.0f %10.0f %10.0f %9.2fx\n' "$(label "$name")" "$middle" "$(values "$name" wall_ms | sort -g | head -n 1)" \
    "$(values "$name" wall_ms | sort -g | tail -n 1)" "$(awk "BEGIN { print $middle / $base }")"
done
printf '\n%-34s %14s %14s %8s\n' 'peak memory of all processes, MiB' "$memory_files files" "$files files" growth
for name in none keep purge; do
  small=$(values "$name.memory.$memory_files" peak_pss_kib) large=$(values "$name.memory.$files" peak_pss_kib)
  awk -v label="$(label "$name")" -v small="$small" -v large="$large" \
    'BEGIN { printf "%-34s %14.1f %14.1f %7.2fx\n", label, small / 1024, large / 1024, large / (small > 0 ? small : 1) }'
done
