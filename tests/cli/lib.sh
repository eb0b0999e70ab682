# Sourced by every test of the command line. Each test has a directory, a configuration and a state directory of its own.
#   $dir      the test's folder, removed at its end
#   $root     a folder to clean
#   $config   the configuration; write_config makes the usual one
#   $out $err what the last `expect` printed
set -euo pipefail
export LC_ALL=C.UTF-8
unset NO_COLOR XDG_STATE_HOME XDG_CONFIG_HOME

dir=$(mktemp -d "${TMPDIR:-/tmp}/freshet-cli.XXXXXX")
root=$dir/root
state=$dir/state
config=$dir/freshet.toml
out=$dir/out
err=$dir/err
mkdir "$root"
at_exit=()
cleanup() {
  local command
  for command in "${at_exit[@]}"; do eval "$command" || true; done
  ((EUID == 0)) || chmod -R u+rwX -- "$dir" 2>/dev/null || true
  rm -rf -- "$dir"
}
trap cleanup EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  printf -- '---- stdout\n' >&2; head -c 4000 "$out" >&2 || true
  printf -- '---- stderr\n' >&2; head -c 4000 "$err" >&2 || true
  exit 1
}
skip() { printf 'skipped: %s\n' "$*"; exit 77; }

# Not in the background: there the shell's own process would be the one that is signalled; see start.
freshet() { "$FRESHET" --config "$config" --state-dir "$state" "$@"; }

# start ARGUMENT..: in the background, as $pid.
start() {
  "$FRESHET" --config "$config" --state-dir "$state" "$@" >"$out" 2>"$err" </dev/null &
  pid=$!
}

# A freshet that anyone may run, wherever the build tree lies; $dir is open to all.
share_freshet() {
  mkdir -p "$dir/prefix/bin" "$dir/prefix/libexec/freshet" "$dir/prefix/lib/freshet"
  cp "$FRESHET" "$dir/prefix/bin/"
  cp "$ROLE" "$dir/prefix/libexec/freshet/"
  cp -r "$PLUGINS" "$dir/prefix/lib/freshet/"
  FRESHET=$dir/prefix/bin/freshet
  chmod 755 "$dir"
}

# expect CODE ARGUMENT..: runs freshet off any terminal.
expect() {
  local want=$1 got=0
  shift
  freshet "$@" >"$out" 2>"$err" </dev/null || got=$?
  [[ $got == "$want" ]] || fail "freshet $*: exit $got, expected $want"
}

# says FILE TEXT..: every text is somewhere in the file.
says() {
  local file=$1 text
  shift
  for text in "$@"; do grep -qF -- "$text" "$file" || fail "$(basename "$file") does not say: $text"; done
}
silent() { ! grep -qF -- "$2" "$1" || fail "$(basename "$1") says: $2"; }

# json POINTER: of the last line of what was printed.  json --all POINTER, json --count
json() { "$JSON_GET" "$@" <"$out"; }
expect_json() { [[ $(json "$1") == "$2" ]] || fail "$1 is $(json "$1" || echo missing), expected $2"; }

# task NAME ROOT [LINE..]: one task of the usual plugin; a configuration is a few of these.
task() {
  local name=$1 path=$2
  shift 2
  printf '[task.%s]\nplugin = "org.freshet.expired-files"\nroots = [{ path = "%s" }]\n' "$name" "$path"
  (($#)) || set -- 'settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }'
  printf '%s\n' "$@"
  [[ $* == *budget* ]] || echo 'budget = { share = 1.0 }'  # most tests take all there is
}
write_config() { task old "$root" "$@" >"$config"; }

old() { touch -h -d '40 days ago' -- "$@"; }
# old_files DIR COUNT: names 1.. with a little content, and an old folder around them
old_files() {
  local n
  mkdir -p -- "$1"
  for ((n = 1; n <= $2; ++n)); do echo "$1 $n" >"$1/$n"; done
  find "$1" -exec touch -h -d '40 days ago' {} +
}

# wide_tree COUNT FILES: as many old folders 0.. below $root, each with old empty files (15 at most) and a fresh one, so
# that every entry goes by itself
wide_tree() {
  local n name names=(1 2 3 4 5 6 7 8 9 a b c d e f)
  for ((n = 0; n < $1; ++n)); do
    mkdir "$root/$n"
    for name in "${names[@]:0:$2}"; do : >"$root/$n/$name"; done
  done
  find "$root" -exec touch -d '40 days ago' {} +
  for ((n = 0; n < $1; ++n)); do : >"$root/$n/fresh"; done
}

# Everything about a tree but what no removal can give back; two are equal exactly when the trees are.
manifest() { bash "$SOURCE/packaging/tree_manifest.sh" "$1"; }
remember() { manifest "$root" >"$dir/before"; }
unchanged() { manifest "$root" >"$dir/after"; diff "$dir/before" "$dir/after" >&2 || fail "the tree is not as it was"; }
