# What depends on a task that did not work is skipped with the reason; what only comes after it runs.
source "$(dirname "$0")/lib.sh"
mkdir "$dir/b" "$dir/c" "$dir/d"
for place in b c d; do old_files "$dir/$place/x" 2; done
{
  task first "$dir/missing"
  task needs "$dir/b"
  echo 'requires = ["first"]'
  task needs-needs "$dir/c"
  echo 'requires = ["needs"]'
  task follows "$dir/d"
  echo 'after = ["first"]'
} >"$config"
expect 3 run --yes --json
for n in 0 1 2 3; do echo "$(json "/tasks/$n/name") $(json "/tasks/$n/status")"; done | sort >"$dir/states"
diff - "$dir/states" <<'END' || fail "states are wrong"
first refused
follows committed
needs skipped
needs-needs skipped
END
[[ -e $dir/b/x/1 && -e $dir/c/x/1 && ! -e $dir/d/x ]] || fail "the wrong tasks ran"
expect 3 run --yes
says "$out" skipped first
