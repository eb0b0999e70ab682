# Sourced by shell scripts that work on a build. The script has `usage`.

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# take_options VALUES FLAGS ARGUMENT..: sets the variable of each option (`--memory-files N` sets memory_files), a flag to
# 1. VALUES and FLAGS: the names that there are, between blanks.
take_options() {
  local values=" $1 " flags=" $2 " name
  shift 2
  for (( ; $#; )); do
    name=${1#--}
    if [[ $1 == -h || $1 == --help ]]; then
      usage
      exit 0
    elif [[ $1 == --* && $values == *" $name "* ]] && (($# > 1)); then
      printf -v "${name//-/_}" '%s' "$2"
      shift 2
    elif [[ $1 == --* && $flags == *" $name "* ]]; then
      printf -v "${name//-/_}" 1
      shift
    else
      usage >&2
      exit 64
    fi
  done
}

# find_build PROGRAM..: makes $build absolute (trees are made elsewhere), by default that of tests/run.sh, else build/,
# and wants these programs in it.
find_build() {
  local program
  if [[ -z $build ]]; then
    build=$source_dir/build/check/quick
    [[ -x $build/bin/$1 ]] || build=$source_dir/build
  fi
  for program in "$@"; do
    [[ -x $build/bin/$program ]] ||
      { echo "$(basename "$0"): no $build/bin/$program; build first (tests/run.sh quick)" >&2; exit 1; }
  done
  build=$(cd "$build" && pwd)
}
