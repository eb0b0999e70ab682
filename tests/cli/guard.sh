# A guard keeps what others of its channel would remove. What it cannot judge stays, all of it.
source "$(dirname "$0")/lib.sh"
plugins=(--plugin-dir "$TEST_PLUGINS/permissions" --plugin-dir "$EXAMPLES" --plugin-dir "$PLUGINS")

# with TASK..: a channel with a remover, and these
with() {
  rm -rf "$root"
  mkdir "$root"
  old_files "$root/a" 4
  old_files "$root/b" 4
  {
    printf '[channel.c]\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$root"
    printf '[task.old]\nplugin = "org.freshet.expired-files"\nchannel = "c"\n'
    echo 'settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }'
    printf '%s\n' "$@"
  } >"$config"
}
guard() { printf '[task.watch]\nplugin = "org.freshet.test.guard"\ntask = "guard"\nchannel = "c"\nguard = true\nsettings = { how = "%s" }\n' "$1"; }
all_there() { [[ $(find "$root" -name '.freshet*' -prune -o -type f -printf x) == xxxxxxxx ]] || fail "something went"; }

# Only what it keeps stays, and the directories above it.
with "$(guard odd)"
expect 0 plan "${plugins[@]}" --verbose
says "$out" 'kept by watch: its number is odd' 'judged 10 entries, kept 4'
expect 0 run --yes --json "${plugins[@]}"
[[ $(cd "$root" && find a b | sort | tr '\n' ' ') == 'a a/1 a/3 b b/1 b/3 ' ]] || fail "left: $(find "$root")"
expect 0 rollback latest
all_there

# It is told whose the entries are, and why they are to go.
with "$(guard tell)"
expect 0 --log-level info plan "${plugins[@]}"
says "$err" 'asked by old about a/2: mtime'

# One that cannot judge keeps all: it fails, crashes, says what is none of its business, is missing, or saw not all.
for how in fail crash propose; do
  with "$(guard $how)"
  expect 1 run --yes --json "${plugins[@]}"
  all_there
  [[ $(json --all /tasks/1/status) == skipped || $(json --all /tasks/0/status) == skipped ]] || fail "$how: old was not skipped"
  expect 1 run --yes "${plugins[@]}"
  says "$out" 'requires watch'
done
with "$(guard odd)"
expect 1 check --plugin-dir "$PLUGINS"
says "$err" F1040
expect 1 run --yes --plugin-dir "$PLUGINS"
all_there
with "$(guard beyond)"
expect 0 run --yes "${plugins[@]}"

# Asked for alone, a task still has its guards.
with "$(guard fail)"
expect 1 run --yes "${plugins[@]}" old
all_there

# That it is one stands in the configuration, and nothing else does.
with "$(guard odd | grep -v '^guard')"
expect 1 check "${plugins[@]}"
says "$err" F1042 'is a guard' 'guard = true'
with '[task.other]' 'plugin = "org.freshet.test.guard"' 'task = "other"' 'channel = "c"' 'guard = true'
expect 1 check "${plugins[@]}"
says "$err" F1042 'is no guard'
with '[task.other]' 'plugin = "org.freshet.test.guard"' 'task = "other"' 'channel = "c"'
expect 0 run --yes "${plugins[@]}"

# A disabled guard is not in force.
with "$(guard fail)" 'enabled = false'
expect 0 run --yes "${plugins[@]}"
[[ ! -e $root/a ]] || fail "a disabled guard kept something"

# The example: marked directories stay.
with '[task.marked]' 'plugin = "org.freshet.example.keep-marked"' 'channel = "c"' 'guard = true'
touch "$root/b/.keep"
expect 0 run --yes "${plugins[@]}"
[[ ! -e $root/a && -e $root/b/1 && -e $root/b/4 ]] || fail "left: $(find "$root")"
expect 0 plugins inspect "$TEST_PLUGINS/permissions/org.freshet.test.guard.so"
says "$out" guard
