# On hosts that lack one thing or another: strict refuses by name or holds, best-effort runs and every plan, report and row of
# the history says what was missing; and nothing hostile comes through in either.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip 'only root can be an ordinary user too'
expect 0 doctor --json
[[ $(json /strict) == true ]] || skip 'this host has no strict isolation to take something from'

# Where an ordinary user finds it all.
prefix=$dir/prefix
mkdir -p "$prefix/bin" "$prefix/libexec/freshet" "$prefix/lib/freshet" "$dir/other" "$dir/victim" "$state"
cp "$FRESHET" "$LESSER_HOST" "$prefix/bin/"
cp "$ROLE" "$prefix/libexec/freshet/"
[[ ! -e $ROLE-static ]] || cp "$ROLE-static" "$prefix/libexec/freshet/"
cp -r "$PLUGINS" "$prefix/lib/freshet/"
cp -r "$TEST_PLUGINS/hostile" "$prefix/hostile"
chmod 755 "$dir"

who=root how=
freshet() {
  local command=("$prefix/bin/freshet" --config "$config" --state-dir "$state" "$@")
  [[ -z $how ]] || command=("$prefix/bin/lesser_host" "$how" "${command[@]}")
  [[ $who == root ]] || command=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$dir/other" "${command[@]}")
  "${command[@]}"
}
# mechanism NAME: available here?
mechanism() {
  local n
  for ((n = 0; n < 30; ++n)); do
    [[ $(json "/mechanisms/$n/mechanism") != "$1" ]] || { json "/mechanisms/$n/available"; return; }
  done
  fail "doctor has no row for $1"
}
# has NAME.. / lacks NAME..: in what doctor printed last
has() { local name; for name in "$@"; do [[ $(mechanism "$name") == true ]] || fail "$who, $how: no $name"; done; }
lacks() { local name; for name in "$@"; do [[ $(mechanism "$name") == false ]] || fail "$who, $how: there is $name"; done; }

configure() {
  rm -rf "$root" "$state"
  mkdir "$root" "$state"
  old_files "$root/a" 3
  [[ $who == root ]] || chown -R 65534:65534 "$root" "$state" "$dir/other" "$dir/victim"
  find "$root/a" -exec touch -h -d '40 days ago' {} +
  {
    echo "isolation = \"$1\""
    task old "$root"
  } >"$config"
}
hostile_fails() {
  local name
  for name in write-outside read-outside connect exec; do
    {
      echo "isolation = \"$1\""
      printf '[task.bad]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\n' "$name" "$root"
      printf 'settings = { target = "%s" }\n' "$dir/victim/secret"
    } >"$config"
    echo 'the text that was planted' >"$dir/victim/secret"
    freshet run --yes --json --plugin-dir "$prefix/hostile" >"$out" 2>"$err" </dev/null || true
    # What it may not read it does not find: no breach.
    [[ $name == read-outside || $(json /tasks/0/ended) == breach ]] || fail "$who, $how: $name: $(json /tasks/0/ended)"
    [[ $(<"$dir/victim/secret") == 'the text that was planted' && $(ls "$dir/victim") == secret ]] || fail "$who, $how: $name had an effect"
    ! grep -qF 'the text that was planted' "$out" "$err" || fail "$who, $how: it was read"
  done
}

holds() {
  [[ $(json /strict) == true ]] || fail "$who, $how: strict does not hold"
  configure strict
  expect 0 plan --json
  expect_json /tasks/0/missing_layers '[]'
  expect 0 run --yes --json
  expect_json /tasks/0/missing_layers '[]'
  (($(json /entries_removed) >= 3)) || fail "$who, $how: $(json /entries_removed) removed"
  expect 0 rollback latest
  [[ -e $root/a/1 ]] || fail "$who, $how: not put back"
  hostile_fails strict
}
# refuses NAME: strict does, naming it, what it stops and how to get it; best-effort goes on.
refuses() {
  [[ $(json /strict) == false ]] || fail "$who, $how: strict holds"
  configure strict
  expect 4 plan --json
  says "$out" "$1: without it" "; needs " best-effort
  expect 4 run --yes
  [[ -e $root/a/1 ]] || fail "$who, $how: strict ran"
  sed -i 's/strict/best-effort/' "$config"
  expect 0 plan --json
  [[ $(json /tasks/0/missing_layers) == *"$1"* ]] || fail "$who, $how: the plan says $(json /tasks/0/missing_layers)"
  expect 0 run --yes --json
  [[ $(json /tasks/0/missing_layers) == *"$1"* ]] || fail "$who, $how: the report says $(json /tasks/0/missing_layers)"
  (($(json /entries_removed) >= 3)) || fail "$who, $how: $(json /entries_removed) removed"
  expect 0 history -n 1 --json
  [[ $(json /tasks/0/missing_layers) == *"$1"* ]] || fail "$who, $how: the history says $(json /tasks/0/missing_layers)"
  expect 0 history
  says "$out" "(without "
  expect 0 rollback latest
  hostile_fails best-effort
}
namespaces=('private root' 'pid namespace' 'net namespace' 'ipc namespace')

for who in root user; do
  how=
  expect 0 doctor --json
  has "${namespaces[@]}" 'seccomp with user notification' 'Landlock ABI 2'
  holds

  how=landlock-2,no-mdwe
  expect 0 doctor --json
  has 'Landlock ABI 2'
  lacks 'Landlock ABI 6' memory-deny-write-execute
  holds

  how=no-landlock
  expect 0 doctor --json
  lacks 'Landlock ABI 2'
  refuses 'Landlock ABI 2'

  how=container
  expect 0 doctor --json
  lacks "${namespaces[@]}" 'user namespace'
  has 'seccomp with user notification' 'Landlock ABI 2'
  # Who is root in a container is root: its roles must not be.
  [[ $who == user ]] || has 'uid of its own for each role'
  refuses 'private root'
done

who=root how=no-sys-admin
expect 0 doctor --json
has "${namespaces[@]}" 'user namespace' 'uid of its own for each role'
lacks 'mapped mounts on /'
holds

who=root how=no-user-namespaces
expect 0 doctor --json
has "${namespaces[@]}"
lacks 'user namespace'
holds

# Memory is limited without them too: that of a hostile plugin is in the tests of the roles.
who=root how=no-control-groups
expect 0 doctor --json
lacks 'memory limit by control group' 'process limit by control group'
holds

# Without one thing and another.
who=root how=no-sys-admin,no-user-namespaces
expect 0 doctor --json
lacks "${namespaces[@]}" 'user namespace'
refuses 'private root'

who=user how=no-user-namespaces
expect 0 doctor --json
lacks "${namespaces[@]}" 'user namespace'
refuses 'private root'
