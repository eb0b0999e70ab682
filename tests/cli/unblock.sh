# After a breach the plugin's bytes are blocked: listed with the reason, refused by name, and let go by hand.
source "$(dirname "$0")/lib.sh"
id=org.freshet.test.connect
plugins=(--plugin-dir "$TEST_PLUGINS/hostile")
old_files "$root/a" 2
printf '[task.bad]\nplugin = "%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$id" "$root" >"$config"
remember
expect 0 check "${plugins[@]}"
expect 1 run --yes "${plugins[@]}"
expect 4 check "${plugins[@]}"
says "$err" F1060 'called socket(2)' unblock
expect 4 run --yes "${plugins[@]}"
expect 0 plugins list "${plugins[@]}"
says "$out" blocked 'called socket(2)' 'task bad'
expect 0 plugins inspect "$id" --json "${plugins[@]}"
hash=$(json /sha256)
[[ $(json /blocked) == *'called socket(2)'* ]] || fail "inspect does not say why: $(json /blocked)"
expect 0 plugins list                      # its file is not found any more: the block still is
says "$out" "$hash"
expect 1 plugins unblock org.freshet.test.fork "${plugins[@]}"
says "$err" 'not blocked'
expect 1 plugins unblock "${hash:0:7}"
expect 64 plugins unblock
expect 0 plugins unblock "${hash:0:12}" --json
expect_json /object unblocked
expect_json /sha256 "$hash"
expect 0 check "${plugins[@]}"
expect 1 run --yes "${plugins[@]}"
expect 0 plugins unblock "$id" "${plugins[@]}"
says "$out" "$hash"
unchanged
