# Where nobody can be asked, only --yes removes.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 2
remember
expect 64 run
says "$err" --yes
unchanged
expect 0 run --yes
[[ ! -e $root/a ]] || fail "--yes did not run"

command -v script >/dev/null || skip "script(1) is not installed"
expect 0 rollback latest
on_terminal() { script -qec "$FRESHET --config $config --state-dir $state run" /dev/null; }
sleep 0.1
printf 'n\n' | on_terminal >"$out" 2>"$err"
unchanged
printf 'y\n' | on_terminal >"$out" 2>"$err"
says "$out" '[y/N]'
[[ ! -e $root/a ]] || fail "y did not run"
