# What stands where the quarantine belongs and is not Freshet's is left alone: another name is taken.
source "$(dirname "$0")/lib.sh"
write_config
base=.freshet
((EUID == 0)) || base=.freshet-$EUID
old_files "$root/a" 2
make() {
  case $1 in
    open) mkdir -m 0755 "$2" && echo mine >"$2/x" ;;
    private) mkdir -m 0700 "$2" && echo mine >"$2/x" ;;
    link) mkdir -p "$dir/elsewhere" && ln -s "$dir/elsewhere" "$2" ;;
    file) echo mine >"$2" ;;
    fifo) mkfifo "$2" ;;
  esac
}
for what in open private link file fifo; do
  make $what "$root/$base"
  remember
  expect 0 check
  unchanged
  expect 0 run --yes
  [[ -d $root/$base-2 && ! -e $root/a ]] || fail "$what: nothing went, or nowhere"
  expect 0 rollback latest
  unchanged
  [[ ! -e $dir/elsewhere || -z $(ls "$dir/elsewhere") ]] || fail "something went through the link"
  rm -rf "${root:?}/$base"
done
for n in '' -{2..9}; do make private "$root/$base$n"; done
remember
expect 4 run --yes
says "$out" F1016
unchanged
