# Colours are for terminals, and each stream is asked for itself; NO_COLOR and --no-color take them away.
source "$(dirname "$0")/lib.sh"
command -v script >/dev/null || skip "script(1) is not installed"
export TERM=xterm
write_config
old_files "$root/a" 2
on_terminal() { script -qec "$1" /dev/null >"$out" 2>"$err" </dev/null || true; }
coloured() { grep -Eq $'\x1b\\[[0-9;]+m' "$1"; }
command="$FRESHET --config $config --state-dir $state"
on_terminal "$command plan"
coloured "$out" || fail "no colours on a terminal"
for plain in "$command plan --no-color" "NO_COLOR=1 $command plan" "TERM=dumb $command plan" "$command plan 2>&1 | cat"; do
  on_terminal "$plain"
  says "$out" 'To be removed'
  ! coloured "$out" || fail "colours: $plain"
done
# Errors on stderr keep theirs when stdout goes to a file; and the other way round.
sed -i 's/^settings/setings/' "$config"
on_terminal "$command check >$dir/file"
says "$out" $'\x1b[31merror:' $'\x1b[31m^'
on_terminal "$command check 2>$dir/file"
! coloured "$dir/file" || fail "colours in a file"
says "$dir/file" 'did you mean `settings`?' '^'
