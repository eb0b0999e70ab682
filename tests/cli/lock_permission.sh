# `lock`: another program's lock file is held while entries go; a task that cannot have it is skipped, with the holder's name.
source "$(dirname "$0")/lib.sh"
lock=$dir/lock
: >"$lock"
plugins=(--plugin-dir "$TEST_PLUGINS/permissions")
# by PLUGIN KIND [MORE]: one task with that lock
by() {
  printf '[task.t]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$1" "$root" >"$config"
  printf 'locks = [{ path = "%s", kind = "%s"%s }]\n' "$lock" "$2" "${3:-}" >>"$config"
}
# holding KIND: another program that holds the lock, as $holder
holding() {
  local how='flock(F, 2) or die;'
  [[ $1 == flock ]] || how='use Fcntl; my $p = pack("s s x4 q q i", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $p) or die $!;'
  rm -f "$dir/held"
  perl -e "open(F, '+<', '$lock') or die; $how open(G, '>', '$dir/held'); close(G); sleep 600" &
  holder=$!
  at_exit+=("kill $holder 2>/dev/null")
  for _ in {1..200}; do [[ -e $dir/held ]] && return; sleep 0.05; done
  fail "the other program does not hold the lock"
}
release() { kill "$holder"; wait "$holder" || true; }

for kind in flock posix; do
  old_files "$root/a" 3
  by beyond "$kind"
  expect 0 plan --json "${plugins[@]}"
  says "$out" "hold the lock $lock ($kind)"
  remember
  holding "$kind"
  expect 1 run --yes --json "${plugins[@]}"
  expect_json /tasks/0/status skipped
  says "$out" "held by perl (pid $holder)"
  unchanged
  release
  expect 0 run --yes --json "${plugins[@]}"
  expect_json /tasks/0/status committed
  expect_json /tasks/0/extra/0/permission lock
  expect_json /tasks/0/extra/0/done true
  [[ ! -e $root/a ]] || fail "nothing was removed"
  expect 0 history --json
  says "$out" '"permission":"lock"'
  # The way back needs it too.
  holding "$kind"
  expect 1 rollback latest --json
  says "$out" "held by perl (pid $holder)"
  [[ ! -e $root/a ]] || fail "entries were put back without the lock"
  expect 0 history --json
  says "$out" "held by perl (pid $holder)"
  release
  expect 0 rollback latest
  unchanged
  rm -rf "$root/a"
done
# Nobody can hold a lock file that is gone.
old_files "$root/a" 3
remember
expect 0 run --yes --json "${plugins[@]}"
mv "$lock" "$lock.away"
expect 1 rollback latest --json
says "$out" 'does not exist'
[[ ! -e $root/a ]] || fail "entries were put back without the lock file"
mv "$lock.away" "$lock"
expect 0 rollback latest
unchanged
rm -rf "$root/a"
[[ ! -s $lock ]] || fail "the lock file was written to"

# Missing: skipped, and never made; optional: goes on and says so. A link is no lock file.
old_files "$root/a" 3
rm "$lock"
by beyond flock
expect 1 run --yes --json "${plugins[@]}"
says "$out" 'does not exist'
[[ ! -e $lock && -e $root/a ]] || fail "a lock was made, or something was removed without it"
: >"$dir/target"
ln -s "$dir/target" "$lock"
expect 1 run --yes --json "${plugins[@]}"
says "$out" 'symbolic link'
[[ -e $root/a ]] || fail "something was removed without the lock"
rm "$lock"
by beyond flock ', optional = true'
expect 0 run --yes --json "${plugins[@]}"
says "$out" 'not taken: the file does not exist'
[[ ! -e $lock && ! -e $root/a ]] || fail "an optional lock kept the task"

# Nothing to do: no lock. Not granted: refused where it is required. Granted, not asked for: nothing.
: >"$lock"
by beyond flock
holding flock
expect 0 run --yes --json "${plugins[@]}"
old_files "$root/b" 2
plugins=(--plugin-dir "$TEST_PLUGINS/hostile")
by well-behaved flock
expect 0 plan --json "${plugins[@]}"
silent "$out" 'hold the lock'
expect 0 run --yes --json "${plugins[@]}"
release
by needs-lock posix
expect 4 check --plugin-dir "$TEST_PLUGINS/permissions"
says "$err" F1003 /var/lib/freshet-test/lock
sed -i '/^locks/d' "$config"
expect 4 check --plugin-dir "$TEST_PLUGINS/permissions"
says "$err" F1001 lock
