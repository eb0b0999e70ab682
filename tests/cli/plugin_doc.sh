# What `plugins doc` prints is a configuration: it holds as it is, once the path and what is required are filled in.
source "$(dirname "$0")/lib.sh"
for id in org.freshet.{build-trees,expired-files,keep-newest,model-cache,orphaned-ipc,package-cache} org.freshet.test.{ordered,well-behaved}; do
  plugins=(--plugin-dir "$TEST_PLUGINS/hostile" --plugin-dir "$PLUGINS")
  : >"$config"
  expect 0 plugins doc "$id" "${plugins[@]}"
  says "$out" "plugin = \"$id\"" '# '
  sed "s|/absolute/path|$root|" "$out" >"$config"
  expect 0 check "${plugins[@]}"
  # Every setting with its default, written out.
  sed -E 's/^#([a-z-]+ = )/\1/' "$config" >"$dir/all" && mv "$dir/all" "$config"
  expect 0 check "${plugins[@]}"
done
grep -q '^older-than = ' <("$FRESHET" --state-dir "$state" plugins doc org.freshet.expired-files --plugin-dir "$PLUGINS") || fail 'a required setting is commented out'
expect 1 plugins doc org.freshet.test.spim --plugin-dir "$TEST_PLUGINS/hostile"
says "$err" 'org.freshet.test.spin'
