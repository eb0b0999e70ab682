# plan, run, rollback, run again, purge: every byte, name, mode, owner, time, link and hole comes back.
source "$(dirname "$0")/lib.sh"
write_config

cd "$root"
old_files whole 20
mkdir -p mixed/deep/er sparse modes 'with blank' $'new\nline' links
printf 'kept' >mixed/fresh
for name in mixed/a mixed/deep/b mixed/deep/er/c 'with blank/ lead' $'new\nline/tab\t' $'links/\xff\xfe' links/ünïcödé -dash '*'; do
  printf 'contents of %s' "$name" >"./$name"
done
truncate -s 20M sparse/hole && printf x | dd of=sparse/hole bs=1 seek=5M conv=notrunc status=none
ln mixed/a links/hard-of-a
ln -s ../mixed links/to-directory
ln -s /nowhere links/dangling
mkfifo links/fifo
echo secret >modes/none && chmod 0000 modes/none
echo set >modes/setuid && chmod 4750 modes/setuid
mkdir modes/sticky && chmod 1777 modes/sticky && echo in >modes/sticky/file
((EUID != 0)) || chown 12345:54321 modes/setuid mixed/deep/b
touch -h -d '2001-02-03 04:05:06.123456789' mixed/deep/b links/dangling
find . -mindepth 1 ! -name fresh -newermt '35 days ago' -exec touch -h -d '40 days ago' {} +
touch -d '50 days ago 00:00:00.987654321' mixed/deep/er mixed/deep links
cd "$dir"
remember
used_before=$(du -s --block-size=1 "$root" | cut -f1)

expect 0 plan
says "$out" old "$root" 'keep 7d'
unchanged
expect 0 run --yes
says "$out" 'Reclaimed now' 'Reclaimable at purge' 'freshet rollback'
[[ -f $root/mixed/fresh && ! -e $root/whole && ! -e $root/links && ! -e $root/mixed/a ]] || fail "the wrong entries went"
expect 0 verify latest
expect 0 rollback latest
unchanged
[[ $(stat -c %b "$root/sparse/hole") -lt 4000 ]] || fail "the hole was filled"

expect 0 run --yes
id=$(sed -n 's/.*freshet rollback \([^`]*\).*/\1/p' "$out")
expect 0 purge "$id"
[[ $(find "$root" -mindepth 1 | sort) == "$root/mixed
$root/mixed/fresh" ]] || fail "purge left something: $(find "$root")"
(($(du -s --block-size=1 "$root" | cut -f1) < used_before)) || fail "no space was freed"
expect 1 rollback "$id"
