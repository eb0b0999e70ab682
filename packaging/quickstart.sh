#!/bin/bash
# From a clone to a cleaned, restored, cleaned and purged tree in one command.
set -euo pipefail

usage() {
  cat <<'END'
Usage: packaging/quickstart.sh [--keep] [DIR]

Installs what is missing, builds Freshet and shows it at work.

  without DIR  builds a demo tree in a fresh temporary place and shows check, plan, run, history and rollback; proves
               that the tree came back; runs again, purges, and compares the free space with Freshet's figure
  with DIR     shows what a plan for that directory would be; nothing is changed
  --keep       leaves the temporary place behind, to look around in

  FRESHET_BUILD    where to build (default: build/ in the clone)
  FRESHET_PROGRAM  an installed freshet to show instead; nothing is installed or built then
  TMPDIR           where the temporary place is made (default: /tmp)
END
}

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
keep=0
directory=
while (($#)); do
  case $1 in
    --keep) keep=1 ;;
    -h | --help) usage; exit 0 ;;
    --) shift; directory=${1:-}; break ;;
    -*) echo "quickstart.sh: unknown option: $1" >&2; usage >&2; exit 64 ;;
    *)
      [[ -z $directory ]] || { usage >&2; exit 64; }
      directory=$1
      ;;
  esac
  shift
done
if [[ -n $directory ]]; then
  [[ -d $directory ]] || { echo "quickstart.sh: not a directory: $directory" >&2; exit 64; }
  directory=$(cd -- "$directory" && pwd -P)
fi

# ---- how it looks ----
bold='' dim='' green='' red='' reset=''
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' red=$'\033[31m' reset=$'\033[0m'
fi
title() { printf '\n%s── %s %s\n' "$bold" "$*" "$reset"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$reset"; }
good() { printf '%s✔ %s%s\n' "$green" "$*" "$reset"; }
fail() { printf '%s✘ %s%s\n' "$red" "$*" "$reset" >&2; exit 1; }
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }

# ---- packages and build ----
# Freshet run by root trusts no program or plugin that lies where somebody else may write.
owned_by_others() {
  local path
  path=$(realpath -m -- "$1")
  while :; do
    if [[ -e $path ]]; then
      [[ $(stat -c %u -- "$path") == 0 ]] || return 0
      # A sticky directory of root's (/tmp) lets nobody replace what is not theirs.
      [[ -z $(find "$path" -maxdepth 0 -perm /022 ! -perm -1000) ]] || return 0
    fi
    [[ $path != / ]] || return 1
    path=$(dirname -- "$path")
  done
}

choose_build() {
  build=${FRESHET_BUILD:-$source_dir/build}
  if [[ -z ${FRESHET_BUILD:-} ]]; then
    if ((EUID == 0)) && owned_by_others "$build"; then
      build=${XDG_CACHE_HOME:-$HOME/.cache}/freshet-build
      note "$source_dir can be changed by others than root, so the build goes to $build"
    elif [[ ! -w $source_dir && ! -w $build ]]; then
      build=${XDG_CACHE_HOME:-$HOME/.cache}/freshet-build
      note "$source_dir cannot be written, so the build goes to $build"
    fi
  fi
  mkdir -p -- "$build"
  build=$(cd -- "$build" && pwd -P)
}

if [[ -n ${FRESHET_PROGRAM:-} ]]; then
  freshet=$(realpath -- "$FRESHET_PROGRAM")
else
  title "Packages"
  "$source_dir/packaging/install-deps.sh" --build </dev/null
  title "Build"
  choose_build
  # The tests are tests/run.sh's business; leaving them out halves the wait. A build that is there stays as it is.
  options=()
  [[ -f $build/build.ninja ]] || options=(-DFRESHET_TESTS=OFF)
  cmake -S "$source_dir" -B "$build" -G Ninja "${options[@]}" </dev/null
  NINJA_STATUS='[%f/%t, %e s] ' cmake --build "$build" --parallel "$(nproc)" </dev/null
  freshet=$build/bin/freshet
fi
[[ -x $freshet ]] || fail "there is no program $freshet"

# ---- a place of our own ----
place=$(mktemp -d "${TMPDIR:-/tmp}/freshet-quickstart.XXXXXX")
place=$(cd -- "$place" && pwd -P)
ended_well=0
leave() {
  local status=$?
  if ((ended_well && !keep)); then
    rm -rf -- "$place"
  else
    printf '\nEverything is still in %s\n' "$place"
  fi
  exit "$status"
}
trap leave EXIT
trap 'exit 130' INT TERM
cd -- "$place"
mkdir state

call_freshet() {
  local options=(--state-dir state)
  [[ ! -e freshet.toml ]] || options+=(--config freshet.toml)
  "$freshet" "${options[@]}" "$@" </dev/null
}
show() {
  printf '\n%s$ freshet' "$bold"
  printf ' %q' "$@"
  printf '%s\n' "$reset"
  call_freshet "$@"
}

# The value of a key of the run itself, which comes before those of its tasks, in Freshet's JSON output.
value_of() { grep -oE "\"$1\":(\"[^\"]*\"|[0-9]+)" "$2" | head -n 1 | cut -d: -f2- | tr -d '"'; }

# The program tries each mechanism in a throw-away process; that is the only judge of what this place allows.
isolation=strict
first_line="Isolation: strict. Plugins run in locked processes with a private root."
doctor=$(call_freshet doctor --json) || fail "freshet doctor failed"
if [[ $doctor != *'"strict":true'* ]]; then
  isolation=best-effort
  first_line="Isolation: best-effort. This place does not allow all that strict isolation needs; here is what it has:"
fi
say_isolation() {
  printf '%s\n' "$first_line"
  [[ $isolation == strict ]] || show doctor
}

# ---- with DIR: a plan, and nothing else ----
if [[ -n $directory ]]; then
  # freshet.toml is UTF-8 text; a path that is not cannot be written into it.
  if [[ $directory == *[[:cntrl:]]* ]] || ! iconv -f UTF-8 -t UTF-8 <<<"$directory" >/dev/null 2>&1; then
    fail "the name of this directory has bytes that a configuration file cannot hold"
  fi
  title "What Freshet would remove from $directory"
  say_isolation
  quoted=${directory//\\/\\\\}
  quoted=${quoted//\"/\\\"}
  # A plan may show that all of it is old; a run of this file would still be the operator's to allow.
  cat >freshet.toml <<END
isolation = "$isolation"

[task.older-than-30-days]
plugin = "org.freshet.expired-files"
roots = [{ path = "$quoted" }]
budget = { share = 1.0 }
settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }
END
  sed 's/^/    /' freshet.toml
  show plan || fail "no plan could be made; the reason is above"
  note ""
  good "This was a plan: nothing in $directory was changed."
  ended_well=1
  exit 0
fi

# ---- the demo ----
title "Demo"
say_isolation

tree=$place/srv
"$source_dir/packaging/demo_tree.sh" "$tree"
cat >freshet.toml <<END
isolation = "$isolation"

[channel.web-cache]
roots = [{ path = "$tree/cache/web", access = ["remove"] }]
limits = { memory = "256MiB", wall = "2m" }
quarantine = { keep = "7d" }

[task.expired-web-cache]
plugin = "org.freshet.expired-files"
channel = "web-cache"
settings = { older-than = "30d", age-by = ["mtime"], keep = ["*.lock", "pinned/**"], empty-directories = true }

[task.rotated-logs]
plugin = "org.freshet.expired-files"
roots = [{ path = "$tree/log" }]
settings = { older-than = "90d", age-by = ["mtime"], only = ["**/*.gz", "audit/audit.*"], types = ["file"] }

[task.stale-uploads]
plugin = "org.freshet.expired-files"
roots = [{ path = "$tree/uploads" }]
after = ["expired-web-cache"]
settings = { older-than = "14d", age-by = ["mtime"], empty-directories = true }
END
note "A tree of $(find "$tree" -type f -printf . | wc -c) files, $(du -sh "$tree" | cut -f1), in $tree; freshet.toml for it:"
sed 's/^/    /' freshet.toml
note "Below, 'freshet' stands for: $freshet --config freshet.toml --state-dir state"

# Two files that somebody is using: one locked, one only open. Commands below do not inherit them.
exec 8<"$tree/cache/web/01/body/being-written.bin" 9<"$tree/cache/web/02/body/being-read.bin"
flock --exclusive --nonblock 8
show_here() { show "$@" 8<&- 9<&-; }

"$source_dir/packaging/tree_manifest.sh" "$tree" >before.manifest
show_df() {
  printf '\n%s$ df .%s\n' "$bold" "$reset"
  sync -f .
  df .
  free=$(df --block-size=1 --output=avail . | tail -n 1 | tr -d ' ')
}
allocated() { du -s --block-size=1 "$tree" | cut -f1; }

title "Check, then plan: nothing changes yet"
show_here check || fail "check failed"
show_here plan || fail "plan failed"

title "Run: old things move into the quarantine"
show_df
show_here run --yes || fail "the run failed"
[[ -n $(find "$tree" -name '.freshet*' -prune -print -quit) ]] || fail "the run left no quarantine behind"
"$source_dir/packaging/tree_manifest.sh" "$tree" >removed.manifest
! cmp -s before.manifest removed.manifest || fail "the run changed nothing"
show_here history || fail "history failed"

title "Rollback: everything comes back"
show_here rollback latest || fail "the rollback failed"
"$source_dir/packaging/tree_manifest.sh" "$tree" >after.manifest
if ! diff before.manifest after.manifest >manifest.diff; then
  head -n 20 manifest.diff
  fail "the tree is not what it was; $(grep -c '^[<>]' manifest.diff) lines differ (manifest.diff)"
fi
good "All $(wc -l <after.manifest) entries are back: names, kinds, modes, owners, times to the nanosecond, hard links, every byte."
note "Compared with find and sha256sum, not with Freshet: tree_manifest.sh before the run and after the rollback."

title "Run again, and purge: the space is freed"
allocated_before=$(allocated)
show_df
note "This time as a script would, with --json:"
printf '\n%s$ freshet run --yes --json | tail -n 1 | cut -c -170%s\n' "$bold" "$reset"
call_freshet run --yes --json >run.json 8<&- 9<&- || { cat run.json; fail "the second run failed"; }
tail -n 1 run.json | cut -c -170
run=$(value_of run_id run.json)
promised=$(value_of bytes_reclaimable_at_purge run.json)
[[ -n $run && -n $promised ]] || fail "run --json named no run or no figure"
show_df
free_after_run=$free
show_here purge "$run" || fail "the purge failed"
show_df
grown=$((free - free_after_run))
shrunk=$((allocated_before - $(allocated)))

title "Was the figure true?"
printf '  Freshet said the purge frees      %12s\n' "$(megabytes "$promised")"
printf '  the tree is now smaller by (du)   %12s\n' "$(megabytes "$shrunk")"
printf '  the file system has more free     %12s\n' "$(megabytes "$grown")"
close_to() { (($1 - promised <= promised / 50 && promised - $1 <= promised / 50)); }
close_to "$shrunk" || fail "the tree did not shrink by the figure"
if close_to "$grown"; then
  good "Free space grew by the figure that was shown."
else
  note "Other programs write to this file system meanwhile, so df cannot tell it exactly; du of the tree can, and agrees."
fi
leftover=$(find "$tree" -name '.freshet*' -print -quit)
[[ -z $leftover ]] || fail "the purge left $leftover behind"

title "Yours now"
cat <<END
  packaging/quickstart.sh DIR      a plan for a directory of yours; nothing is changed
  $freshet --help
  config/README.md                 how to write freshet.toml
  sdk/README.md                    how to write a plugin
END
ended_well=1
