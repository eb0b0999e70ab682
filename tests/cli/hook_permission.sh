# `hook`: programs that the operator wrote run around the task; a task names them, and whatever is not granted refuses it.
source "$(dirname "$0")/lib.sh"
plugins=(--plugin-dir "$TEST_PLUGINS/permissions")
log=$dir/log
hook() { printf '[hook.%s]\nrun = ["/bin/sh", "-c", "%s"]\ndeadline = "5s"\n' "$1" "$2"; }
# by PLUGIN RUN-HOOKS [GRANTED]
by() {
  local granted=${3-'"stop", "start", "broken", "slow", "mend"'}
  {
    hook stop "test -e $root/a/1 && echo stopped >>$log; echo it says so"
    hook start "test ! -e $root/a && echo started >>$log"
    hook broken "echo broken >>$log; echo why it broke >&2; exit 7"
    hook slow "sleep 600 & echo \$! >$dir/child; wait"
    hook mend "echo mended >>$log"
    printf '[task.t]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$1" "$root"
    [[ -z $granted ]] || printf 'hooks = [%s]\n' "$granted"
    printf 'run-hooks = { %s }\n' "$2"
  } >"$config"
  chmod 755 "$dir"
}
logged() { [[ $(cat "$log" 2>/dev/null | tr '\n' ' ') == "$1" ]] || fail "the hooks did: $(cat "$log" 2>/dev/null), expected $1"; rm -f "$log"; }

old_files "$root/a" 3
by beyond 'before = ["stop"], after = ["start"], on-failure = ["mend"]'
expect 0 plan --json "${plugins[@]}"
says "$out" 'run before it the hook stop: /bin/sh -c' 'run after it the hook start' 'run on failure the hook mend'
logged ''
expect 0 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status committed
says "$out" 'it says so' '"outcome":"exit code 0"'
logged 'stopped started '
expect 0 history --json
says "$out" '"permission":"hook"' 'it says so'
expect 0 rollback latest

# A failed `before` ends the task before any effect; one after it does not run. The deadline ends all that it started.
remember
by beyond 'before = ["broken", "stop"], after = ["start"], on-failure = ["mend"]'
expect 1 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status failed
says "$out" 'exit code 7' 'why it broke'
logged 'broken mended '
unchanged
by beyond 'before = ["slow"]'
expect 1 run --yes --json "${plugins[@]}"
says "$out" 'not ended within 5s'
child=$(cat "$dir/child")
for try in {1..200}; do [[ -e /proc/$child ]] && ! grep -q '^State:.*Z' "/proc/$child/status" || break; sleep 0.05; done
((try < 200)) || fail "a child of the hook lives on"
unchanged

# A failed `after` takes nothing back, and is said.
by beyond 'after = ["broken"], on-failure = ["mend"]'
expect 3 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status committed
[[ ! -e $root/a ]] || fail "it was taken back"
logged 'broken '

# Nothing to do: no hook.
by beyond 'before = ["broken"], after = ["broken"]'
expect 0 run --yes --json "${plugins[@]}"
logged ''

# Not granted, not defined, not asked for: refused, and nothing runs.
old_files "$root/b" 2
remember
by beyond 'before = ["stop"]' '"start"'
expect 4 run --yes "${plugins[@]}"
says "$out" F1004
by beyond 'before = ["stop"]' ''
expect 4 check "${plugins[@]}"
says "$err" F1004 'does not grant'
by beyond 'before = ["nothing"]'
expect 4 check "${plugins[@]}"
says "$err" F1004 'not defined'
by well-behaved 'before = ["stop"]'
expect 4 check --plugin-dir "$TEST_PLUGINS/hostile"
says "$err" F1004 'does not ask for hooks'
unchanged

# A saved plan runs what the configuration of the day says, never what the file says.
by beyond 'before = ["stop"]'
expect 0 plan --out "$dir/plan" "${plugins[@]}"
sed -i 's/echo stopped/echo other/' "$config"
expect 4 run --plan "$dir/plan" --yes "${plugins[@]}"
says "$out" 'the locks or hooks of t are not what they were'
logged ''
unchanged

# A program that others may write is none for root; one that is not there is none for anybody.
by beyond 'before = ["stop"]'
sed -i 's|"/bin/sh", "-c"|"/nonexistent/x"|' "$config"
expect 4 check "${plugins[@]}"
says "$err" F1005
if ((EUID == 0)); then
  cp /bin/true "$dir/true"
  chmod 777 "$dir/true"
  by beyond 'before = ["stop"]'
  sed -i "s|run = \[\"/bin/sh\".*|run = [\"$dir/true\"]|" "$config"
  expect 4 check "${plugins[@]}"
  says "$err" F1030 'the hook `stop`'
fi

# The example that asks for it: while its server is stopped, and not at all without.
session() {
  rm -rf "$root"
  mkdir "$root"
  touch -d '40 days ago' "$root/sess_1" "$root/config"
  touch "$root/sess_2"
  {
    hook stop "test -e $root/sess_1 && echo stopped >>$log"
    hook start "test ! -e $root/sess_1 && echo started >>$log"
    printf '[task.t]\nplugin = "org.freshet.example.session-files"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$root"
    printf '%s\n' "$@"
  } >"$config"
}
session 'hooks = ["stop", "start"]' 'run-hooks = { before = ["stop"], after = ["start"] }'
expect 0 run --yes --plugin-dir "$EXAMPLES"
logged 'stopped started '
[[ $(ls "$root" | tr '\n' ' ') == 'config sess_2 ' ]] || fail "left: $(ls "$root")"
session
expect 4 run --yes --plugin-dir "$EXAMPLES"
says "$out" F1001 hook
[[ -e $root/sess_1 ]] || fail "it went without the hook"
