# A plugin that breaks out ends its task with a breach; nothing outside changes, and other tasks go on.
source "$(dirname "$0")/lib.sh"
mkdir "$dir/other"
old_files "$root/a" 2
old_files "$dir/other/a" 2
remember
for name in write-outside exec connect; do
  {
    task good "$dir/other"
    printf '[task.bad]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\n' "$name" "$root"
    printf 'settings = { target = "%s" }\n' "$dir/target"
  } >"$config"
  expect 3 run --yes --json --plugin-dir "$TEST_PLUGINS/hostile"
  expect_json /tasks/0/ended breach
  expect_json /tasks/0/status failed
  expect_json /tasks/1/status committed
  [[ ! -e $dir/target ]] || fail "$name came through"
  unchanged
  expect 0 rollback latest
done
