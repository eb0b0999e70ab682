# The log: one line each with run, channel and task, as text or JSON; a plugin's words are escaped and attributed.
source "$(dirname "$0")/lib.sh"
{
  printf '[task.talks]\nplugin = "org.freshet.test.flood-log"\nroots = [{ path = "%s" }]\nsettings = { most = 300 }\n' "$root"
} >"$config"
expect 0 run --yes --plugin-dir "$TEST_PLUGINS/hostile" --log-level debug --log-file "$dir/log"
says "$dir/log" run= channel=talks task=talks 'plugin says: ' '\x1b'
! grep -q $'\x1b' "$dir/log" || fail "a plugin's bytes reach the log"
(($(grep -c 'plugin says' "$dir/log") <= 210)) || fail "a plugin floods the log"
[[ $(stat -c %a "$dir/log") != *[2367] ]] || fail "others may write the log"
[[ $(grep -c . "$err") == 0 ]] || fail "the log is on stderr too"

printf '[log]\nlevel = "debug"\nfile = "%s"\njson = true\n' "$dir/json" >>"$config"
expect 0 plan --plugin-dir "$TEST_PLUGINS/hostile"
cp "$dir/json" "$out"
json --all /level >/dev/null || fail "a line of the log is no JSON"
json --all /task | grep -qx talks || fail "no line names the task"
sed -i '/^\[log\]/,$d' "$config"
expect 0 plan --plugin-dir "$TEST_PLUGINS/hostile" --verbose
says "$err" 'plugin says: '
expect 64 plan --log-level loud
expect 1 plan --log-file /no/such/place
says "$err" /no/such/place
