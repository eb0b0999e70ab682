# A plugin is run on a directory without any effect; what ended it is named, with the manifest's line that would ask for it.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 2
remember
expect 64 plugins run "$PLUGINS/org.freshet.expired-files.so"
says "$err" --root
expect 1 plugins run "$PLUGINS/org.freshet.expired-files.so" --root "$dir/none"
expect 0 plugins run "$PLUGINS/org.freshet.expired-files.so" --root "$root" --trace --set older-than=30d --set age-by=mtime
says "$out" "call     dir_open(" 'emit_finding(' "$root/a/1" 'FRESHET_OK' '2 findings' 'mtime 40 d'
expect 0 plugins run "$PLUGINS/org.freshet.expired-files.so" --root "$root" --set older-than=30d --json
expect_json /status FRESHET_OK
unchanged
hostile=$TEST_PLUGINS/hostile/org.freshet.test
expect 1 plugins run "$hostile.connect.so" --root "$root"
says "$out" 'called socket(2)' 'no line of a manifest' 'at       libc.so.6+0x' '(plugin+0x'
expect 1 plugins run "$hostile.exec.so" --root "$root"
says "$out" 'called execve' hook
expect 1 plugins run "$TEST_PLUGINS/checked/limits.so" --root "$root"
says "$out" 'memory limit' 'limits = { memory ='
refused="refused  called openat(2) to write or create: "
expect 1 plugins run "$hostile.write-outside.so" --root "$root"
says "$out" "$refused" 'a worker changes nothing'
expect 1 plugins run "$TEST_PLUGINS/checked/crash.so" --root "$root" --json
expect_json /errors/0 'its last words'
expect_json /ended SIGSEGV
[[ $(json /back_trace/0) == scan+* ]] || fail "it was at $(json /back_trace/0)"
expect 0 plugins run "$TEST_PLUGINS/checked/none.so" --root "$root"
says "$out" 'the feature org.freshet.contents' 'optional = ["read"]'
expect 1 plugins run "$TEST_PLUGINS/refused/org.freshet.test.no-manifest.so" --root "$root"
says "$err" F2004
expect 64 plugins run "$hostile.exec.so" --root "$root" --tree x
says "$err" 'belongs to `freshet plugins check`'
unchanged

rm -f "$err"
# A debugger is waited for, and the limit of time does not hold meanwhile.
freshet plugins run "$PLUGINS/org.freshet.expired-files.so" --root "$root" --debug --set older-than=30d --json >"$out" 2>"$err" &
waiting=$!
until grep -qs "scan begins" "$err"; do kill -0 "$waiting" || fail "it did not wait for a debugger"; sleep 0.05; done
says "$err" WARNING weakened 'gdb -p'
"$ATTACH" "$(json /pid)" "$(json /address)" || fail "attaching: $?"
wait "$waiting" || fail "it ended with $?"
expect_json /status FRESHET_OK
unchanged
