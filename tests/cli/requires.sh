# What depends on a task that did not work does not run, and says why; what only comes after it runs.
source "$(dirname "$0")/lib.sh"
mkdir "$dir"/{a,b,c,d}
for place in b c d; do old_files "$dir/$place/x" 2; done
# chain LINE..: `first` as given, and three that depend on it
chain() {
  printf '[task.first]\n'
  printf '%s\n' "$@"
  task needs "$dir/b"
  echo 'requires = ["first"]'
  task needs-needs "$dir/c"
  echo 'requires = ["needs"]'
  task follows "$dir/d"
  echo 'after = ["first"]'
}
states() { for n in 0 1 2 3; do echo "$(json "/tasks/$n/name") $(json "/tasks/$n/status")"; done | sort | tr '\n' ' '; }
dependents_stay() { [[ -e $dir/b/x/1 && -e $dir/c/x/1 && ! -e $dir/d/x ]] || fail "the wrong tasks ran"; }

# A refusal takes along what requires it.
chain 'plugin = "org.freshet.expired-files"' "roots = [{ path = \"$dir/missing\" }]" 'settings = { older-than = "30d" }' >"$config"
expect 3 run --yes --json
[[ $(states) == 'first refused follows committed needs refused needs-needs refused ' ]] || fail "states: $(states)"
dependents_stay
expect 0 rollback latest

# A failure skips it.
chain 'plugin = "org.freshet.test.crash"' "roots = [{ path = \"$dir/a\" }]" 'settings = { how = "segv" }' >"$config"
expect 3 run --yes --json --plugin-dir "$TEST_PLUGINS/hostile"
[[ $(states) == 'first failed follows committed needs skipped needs-needs skipped ' ]] || fail "states: $(states)"
[[ $(json --all /tasks/0/ended) == signal || $(json /tasks/1/ended) == signal ]] || fail "how it ended is missing"
dependents_stay
expect 0 rollback latest
expect 3 run --yes --plugin-dir "$TEST_PLUGINS/hostile"
says "$out" skipped 'requires first'

# A disabled task does not run because another one requires it; that is an error of the configuration.
old_files "$dir/a/x" 2
old_files "$dir/b/x" 2
old_files "$dir/d/x" 2
{
  task first "$dir/a"
  echo 'enabled = false'
  task needs "$dir/b"
  echo 'requires = ["first"]'
  task follows "$dir/d"
  echo 'after = ["first", "needs"]'
} >"$config"
expect 1 check
says "$err" 'requires first, which is disabled'
expect 3 run --yes --json
[[ -e $dir/a/x/1 && -e $dir/b/x/1 && ! -e $dir/d/x ]] || fail "the wrong tasks ran"
says "$out" 'needs requires first, which is disabled'
