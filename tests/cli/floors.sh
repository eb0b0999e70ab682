# Floors hold against plugins that try to get below them: one that proposes everything, and one that says of each entry that it
# is old. What stays is looked at from outside.
source "$(dirname "$0")/lib.sh"
well=org.freshet.test.well-behaved
liar=org.freshet.test.forge
plugins=(--plugin-dir "$TEST_PLUGINS/hostile")
# configure PLUGIN FLOORS [SETTINGS]
configure() {
  printf '[task.t]\nplugin = "%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\nfloors = { %s }\n%s\n' "$1" "$root" "$2" "${3:-}" >"$config"
}
lies='settings = { how = "mtime" }'
again() {
  rm -rf "${root:?}"
  mkdir "$root"
  local i
  for i in 1 2 3 4 5; do touch -d "$((i * 10)) days ago" "$root/$i"; done
  remember
}
left() { (cd "$root" && find . -mindepth 1 -not -path './.freshet*' -printf '%P\n' | sort | tr '\n' ' '); }
# stays WHAT FILES: of a run that ends with CODE
stays() {
  local code=$1 got=0
  freshet run --yes "${plugins[@]}" >"$out" 2>"$err" </dev/null || got=$?
  [[ $got == "$code" ]] || fail "exit $got, expected $code"
  [[ $(left) == "$2" ]] || fail "left: $(left), expected: $2"
}

# min-age: the youngest stay, whatever is said of them.
again
configure "$well" 'min-age = "25d"'
stays 0 '1 2 '
freshet rollback latest >"$out" 2>"$err"
unchanged
configure "$liar" 'min-age = "25d"' "$lies"
# That an entry's time is another than was planned is a change by others: nothing of it goes, old or young.
stays 0 '1 2 3 4 5 '
unchanged

# keep-newest: the two newest of a directory.
again
configure "$well" 'keep-newest = 2'
stays 0 '1 2 '
again
configure "$liar" 'keep-newest = 2' "$lies"
stays 0 '1 2 3 4 5 '
unchanged

again
# Names that nobody has cannot stand in for them.
configure "$liar" 'keep-newest = 2' 'settings = { how = "newer" }'
stays 0 '1 2 '

# pins
again
mkdir "$root/d"
touch "$root/d/pinned"
remember
configure "$well" "pins = [\"$root/3\", \"$root/**/pinned\"]"
stays 0 '3 d d/pinned '

# spare-in-use is there by itself.
again
exec 7<"$root/2"
configure "$well" 'min-age = "0s"'
stays 0 '2 '
exec 7<&-

# hours: outside of them nothing goes.
again
now=$(date +%H)
from=$(printf '%02d' $(((10#$now + 2) % 24))) to=$(printf '%02d' $(((10#$now + 4) % 24)))
configure "$well" "hours = \"$from:00-$to:00\""
stays 4 '1 2 3 4 5 '
expect 4 run --yes "${plugins[@]}"
says "$out" 'floors.hours'
unchanged
from=$(printf '%02d' $(((10#$now + 22) % 24))) to=$(printf '%02d' $(((10#$now + 2) % 24)))
configure "$well" "hours = \"$from:00-$to:00\""
stays 0 ''
