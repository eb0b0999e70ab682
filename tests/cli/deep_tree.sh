# A chain of directories without end, which anybody may make below a root, costs nobody else his cleaning and no plugin its name.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
mkdir "$root/deep"
(cd "$root/deep" && perl -e '$n = "d" x 250; for (1 .. 400) { mkdir($n) && chdir($n) or die $! } open(F, ">", "file"); utime(1, 1, "file")')
write_config
expect 0 plan --json
(($(wc -c <"$out") < 1000000)) || fail "the plan has paths without end"
says "$out" 'File name too long'
expect 0 run --yes --json
expect_json /tasks/0/status committed
[[ ! -e $root/a ]] || fail "the others' entries stayed"
expect 0 plugins list --json
silent "$out" '"blocked":true'
expect 0 rollback latest
[[ -e $root/a/1 ]] || fail "it was not put back"
