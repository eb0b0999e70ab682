# In the worker there is no power beyond listing, whatever is asked for and granted: each try ends it, with the call's name.
source "$(dirname "$0")/lib.sh"
printf '#!/bin/sh\ntouch %s/ran\n' "$dir" >"$dir/hook"
chmod 755 "$dir/hook"
: >"$root/lock"
old_files "$root/a" 2
for how in flock posix-lock ofd-lock shm sem msg remove-shm mq hook; do
  {
    printf '[hook.h]\nrun = ["%s"]\n' "$dir/hook"
    printf '[task.t]\nplugin = "org.freshet.test.take-beyond"\nbudget = { share = 1.0 }\n'
    printf 'roots = [{ path = "%s", access = ["read", "remove"] }]\n' "$root"
    printf 'ipc = [{ owner = "0" }]\nirreversible = "allowed"\n'
    printf 'locks = [{ path = "%s" }]\nhooks = ["h"]\nrun-hooks = { after = ["h"] }\n' "$root/lock"
    printf 'settings = { how = "%s", target = "%s" }\n' "$how" "$dir/hook"
  } >"$config"
  remember
  freshet run --yes --json --plugin-dir "$TEST_PLUGINS/hostile" >"$out" 2>"$err" </dev/null || true
  expect_json /tasks/0/ended breach
  unchanged
  [[ ! -e $dir/ran ]] || fail "$how: the hook ran"
  expect 0 plugins unblock org.freshet.test.take-beyond --plugin-dir "$TEST_PLUGINS/hostile"
done
