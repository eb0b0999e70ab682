# `read`: contents of granted roots, for a plugin that asks for it and an operator who grants it; for nobody else.
source "$(dirname "$0")/lib.sh"
echo 'drop this' >"$root/one"
echo 'keep this' >"$root/two"
echo 'drop the third, the text that was planted' >"$root/text"
mkdir "$root/closed"
echo 'drop what is excluded' >"$root/closed/three"
mkfifo "$root/fifo"
old "$root"/* "$root"/closed/*
access='"remove", "read"'

# by PLUGIN DIR ACCESS: one task
by() {
  printf '[task.t]\nplugin = "org.freshet.test.%s"\nbudget = { share = 1.0 }\n' "$1" >"$config"
  printf 'roots = [{ path = "%s", access = [%s], exclude = ["%s/closed"] }]\n' "$root" "$3" "$root" >>"$config"
  plugins=(--plugin-dir "$TEST_PLUGINS/$2")
}

# Asked for and granted.
by contents permissions "$access"
remember
before=$(stat -c '%X %Y' "$root/two")
expect 0 plan "${plugins[@]}"
says "$out" "remove and read contents below $root"
[[ $(stat -c '%X %Y' "$root/two") == "$before" ]] || fail "reading left a trace"
expect 0 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status committed
[[ ! -e $root/one && ! -e $root/text && -e $root/two && -e $root/fifo && -e $root/closed/three ]] || fail "not by contents"
# Runs are kept with the permission they had.
[[ $(sqlite3 "$state/history.db" "SELECT json_extract(grant_json, '\$.roots[0].read') FROM tasks" 2>/dev/null || echo 1) == 1 ]] ||
  fail "the history does not say that contents were read"
expect 0 rollback latest
unchanged

# Asked for, not granted: optional is dropped and told, required is refused.
by contents permissions '"remove"'
expect 0 run --yes --json "${plugins[@]}"
expect_json /tasks/0/entries_removed 0
says "$err" 'may not read contents'
expect 0 plan "${plugins[@]}"
says "$out" 'may not' 'read (the plugin would like it)'
silent "$out" 'read contents'
by needs-contents permissions '"remove"'
expect 4 check "${plugins[@]}"
says "$err" F1001 read
by needs-contents permissions '"read"'
expect 0 check "${plugins[@]}"

# Granted, not asked for: neither the feature nor the way past it.
by read-inside hostile "$access"
expect 0 plan "${plugins[@]}"
silent "$out" 'read contents'
freshet run --yes --json --log-level debug "${plugins[@]}" >"$out" 2>"$err" </dev/null || true
says "$err" 'the feature is there: 0' 'openat gave -'
! grep -qF 'the text that was planted' "$out" "$err" || fail "it read what it was not granted"
unchanged
