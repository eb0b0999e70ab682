# The log: one line each with run, channel and task, as text or JSON; a plugin's words are escaped.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 2
expect 0 run --yes --log-level debug --log-file "$dir/log"
says "$dir/log" run= task=old
for step in validated planned admitted executing executed verified committed; do
  grep -Eq "info run=[^ ]+ channel=old task=old $step" "$dir/log" || fail "the log has no line for $step"
done
! grep -Evq ' run=[^ ]+ channel=[^ ]+ task=[^ ]+ ' "$dir/log" || fail "a line names no run, channel and task"
[[ $(stat -c %a "$dir/log") != *[2367] ]] || fail "others may write the log"
{ cat "$config"; printf '[log]\nlevel = "debug"\nfile = "%s"\njson = true\n' "$dir/json"; } >"$config.new"
mv "$config.new" "$config"
expect 0 rollback latest
expect 0 run --yes
expect 0 purge latest
for step in rolling-back rolled-back purging purged; do says "$dir/json" "$step"; done
cp "$dir/json" "$out"
json --all /level >/dev/null || fail "a line of the log is no JSON"
json --all /task | grep -qx old || fail "no line names the task"
expect 0 plan --log-level debug --log-file /dev/full
says "$err" 'lines of the log are lost'
expect 64 plan --log-level loud
expect 1 plan --log-file /no/such/place
says "$err" /no/such/place
