# A run waits for, or names, another one on the same roots.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 2
expect 0 history
mkdir -p "$state/locks"
hold() { printf 'freshet-lock 1\n%s\nend\n' "$1" >"$state/locks/other-run.lock"; exec 7<"$state/locks/other-run.lock"; flock 7; }
hold "$root/a"
remember
expect 1 run --yes
says "$err" other-run --wait
unchanged
freshet run --yes --wait >"$out" 2>"$err" </dev/null 7<&- &
sleep 0.5
unchanged
exec 7<&-
wait $! || fail "the waiting run failed"
[[ ! -e $root/a ]] || fail "the waiting run did nothing"
[[ ! -e $state/locks/other-run.lock ]] || fail "the dead run's lock file stays"
expect 0 rollback latest
hold "$dir/elsewhere"
expect 0 run --yes
