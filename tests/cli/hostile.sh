# Every hostile plugin through the whole path: it ends for its reason, nothing outside its grant changes, and a task of
# another channel never notices. Judged by what was planted outside, not by what the plugin says.
source "$(dirname "$0")/lib.sh"
mkdir "$dir/other"
old_files "$root/a" 3
old_files "$dir/victim" 1
old_files "$dir/secret" 1
echo 'the text that was planted' >"$dir/secret/text"
outside() { manifest "$dir/victim"; manifest "$dir/secret"; ls -A "$dir" | grep -vxF -e out -e err -e state -e freshet.toml -e before -e after -e other -e root; }

# hostile PLUGIN REASON.. -- [LINE..]: runs it beside a good task; it must end for one of the reasons.
hostile() {
  local name=$1 reasons=() seen before
  shift
  while [[ $1 != -- ]]; do reasons+=("$1"); shift; done
  shift
  rm -rf "$dir/other/a"
  old_files "$dir/other/a" 2
  {
    task good "$dir/other"
    printf '[task.zbad]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$name" "$root"
    printf '%s\n' "$@"
  } >"$config"
  remember
  before=$(outside)
  freshet run --yes --json --log-level debug --plugin-dir "$TEST_PLUGINS/hostile" >"$out" 2>"$err" </dev/null || true
  [[ $(json /tasks/0/status) == committed ]] || fail "$name: the good task is $(json /tasks/0/status)"
  seen=$(json /tasks/1/ended)
  [[ " ${reasons[*]} " == *" $seen "* ]] || fail "$name $*: ended by $seen, expected ${reasons[*]}"
  [[ $(outside) == "$before" ]] || fail "$name $*: something outside its grant changed"
  ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]\|\xc2[\x80-\x9f]\|\xe2\x80\xae' "$out" "$err" || fail "$name $*: a terminal would obey its bytes"
  ! grep -qF 'the text that was planted' "$out" "$err" || fail "$name: it read what it was not granted"
  if [[ $seen == breach || $seen == protocol ]]; then
    expect 0 plugins unblock "org.freshet.test.$name" --plugin-dir "$TEST_PLUGINS/hostile"
  fi
  expect 0 rollback latest
  [[ $seen == none ]] || unchanged
}
limits='limits = { memory = "64MiB", cpu = "2s", wall = "3s" }'
hostile well-behaved none --
hostile read-outside none breach plugin -- "settings = { target = \"$dir/secret/text\" }"
hostile write-outside breach -- "settings = { target = \"$dir/victim/new\" }"
hostile exec breach -- "settings = { target = \"$dir/victim/new\" }"
hostile connect breach -- 'settings = { target = "9" }'
hostile fork breach -- "$limits"
hostile allocate limit plugin signal -- "$limits"
hostile spin timeout limit -- "$limits"
for how in segv abort trap stack; do hostile crash signal -- "settings = { how = \"$how\" }"; done
# It goes on, or its time ends it: nobody waits for it.
hostile crash none timeout -- 'settings = { how = "stop" }' "$limits"
hostile flood-log none -- 'settings = { most = 5000 }'
(($(grep -c 'plugin says' "$err") <= 210)) || fail "the log was flooded"
hostile ignore-cancelled timeout limit -- "$limits"
for how in parent dots empty nul long no-name foreign-ordinal huge-ordinal inode type no-directory wild-directory small-size closed repeat numbers more-numbers escapes; do
  hostile forge none plugin protocol breach signal -- "settings = { how = \"$how\" }"
done
for how in parent-name slash-name unknown-directory far-directory device foreign-root garbage empty hello broker-message; do
  hostile forge-wire protocol breach none plugin -- "settings = { how = \"$how\" }" "$limits"
done
hostile forge-wire protocol breach limit timeout plugin -- 'settings = { how = "flood" }' "$limits"
hostile early-nothing none --
for how in fork file resolver thread; do hostile "early-$how" breach -- "$limits"; done
for how in exit end-of-thread hang-up; do hostile "early-$how" plugin -- "$limits"; done
hostile early-noise protocol --
hostile early-loaded protocol none --
hostile early-end timeout protocol none plugin -- "$limits"
hostile early-flood timeout protocol -- "$limits"
