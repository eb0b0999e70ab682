# Plugins that were built when an ABI version was released, by both compilers and in both languages, load and do their work in
# every later version of the same major.
source "$(dirname "$0")/lib.sh"
count=0
for plugin in "$SOURCE"/tests/plugins/kept/*/*/*.so; do
  id=$(basename "$plugin" .so)
  kind=${id##*.}
  rm -rf "$root"
  mkdir "$root"
  touch -d '40 days ago' "$root/download.part" "$root/whole"
  ln -s nowhere "$root/link"
  touch -h -d '40 days ago' "$root/link"
  printf '[task.t]\nplugin = "%s"\nroots = [{ path = "%s" }]\nsettings = { older-than = "30d" }\nbudget = { share = 1.0 }\n' "$id" "$root" >"$config"
  expect 0 --plugin-dir "$(dirname "$plugin")" run --yes --json
  expect_json /entries_removed 1
  left=$(ls "$root" | tr '\n' ' ')
  case $kind in
    old-links) [[ $left == 'download.part whole ' ]] || fail "$plugin: left: $left" ;;
    part-files) [[ $left == 'link whole ' ]] || fail "$plugin: left: $left" ;;
  esac
  expect 0 --plugin-dir "$(dirname "$plugin")" plugins inspect "$plugin"
  says "$out" 'stripped     yes'
  (($(stat -c %s "$plugin") < 100000)) || fail "$plugin is large"
  count=$((count + 1))
done
((count >= 4)) || fail "only $count are kept"

# One that asks for a later minor is refused, with the version that would do.
expect 1 plugins inspect "$TEST_PLUGINS/refused/org.freshet.test.newer-minor.so"
says "$err" F2007 1.999 'newer version of Freshet'
