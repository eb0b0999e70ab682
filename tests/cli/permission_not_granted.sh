# A permission that the plugin requires and nobody granted refuses the task, and only that one.
source "$(dirname "$0")/lib.sh"
mkdir "$dir/other"
old_files "$root/a" 2
old_files "$dir/other/a" 2
task mine "$dir/other" >"$config"
task denied "$root" | sed "s|path = \"$root\"|&, access = [\"list\"]|" >>"$config"
remember
expect 4 check
says "$err" F1001 denied remove
expect 4 run denied --yes
unchanged
expect 3 run --yes --json
unchanged
expect_json /status partly
[[ ! -e $dir/other/a ]] || fail "the other task did not run"
