# A plugin's words in the log: escaped, attributed, and never a flood; also on stderr.
source "$(dirname "$0")/lib.sh"
printf '[task.talks]\nplugin = "org.freshet.test.flood-log"\nroots = [{ path = "%s" }]\nsettings = { most = 300 }\n' "$root" >"$config"
expect 0 run --yes --plugin-dir "$TEST_PLUGINS/hostile" --log-level debug --log-file "$dir/log"
says "$dir/log" run= channel=talks task=talks 'plugin says: ' '\x1b'
! grep -q $'\x1b' "$dir/log" || fail "a plugin's bytes reach the log"
(($(grep -c 'plugin says' "$dir/log") <= 210)) || fail "a plugin floods the log"
[[ ! -s $err ]] || fail "the log is on stderr too"
expect 0 plan --plugin-dir "$TEST_PLUGINS/hostile" --verbose
says "$err" 'plugin says: '
