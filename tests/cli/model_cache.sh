# org.freshet.model-cache on a cache laid out as huggingface_hub does it: blobs by hash, snapshots of links, refs, locks.
source "$(dirname "$0")/lib.sh"
settings='settings = { older-than = "30d", age-by = ["mtime"] }'
sed 's/expired-files/model-cache/; s/ }\]$/, access = ["read", "remove"] }]/' <(task models "$root" "$settings") >"$config"

# repository NAME AGE: two revisions that share a blob; AGE of all of it
repository() {
  local at=$root/hub/$1 revision
  mkdir -p "$at/blobs" "$at/refs" "$at/.no_exist/aaaa" "$root/hub/.locks/$1"
  for revision in aaaa bbbb; do
    mkdir -p "$at/snapshots/$revision/onnx"
    printf '%s of %s' "$revision" "$1" >"$at/blobs/own-$revision"
    ln -s "../../blobs/own-$revision" "$at/snapshots/$revision/config.json"
    ln -s ../../../blobs/shared "$at/snapshots/$revision/onnx/model.onnx"
    : >"$root/hub/.locks/$1/own-$revision.lock"
  done
  head -c 300000 /dev/urandom >"$at/blobs/shared"
  printf aaaa >"$at/refs/v1" && printf bbbb >"$at/refs/main"
  : >"$at/.no_exist/aaaa/adapter.json"
  find "$at" -exec touch -h -d "$2" {} +
}
repository models--org--old '40 days ago'
repository models--org--half '40 days ago'
repository datasets--org--busy '40 days ago'
repository models--org--young '3 days ago'
half=$root/hub/models--org--half young=$root/hub/models--org--young
touch -d '1 day ago' "$half/blobs/own-bbbb"  # somebody uses the newer revision only
echo lost >"$young/blobs/lost"
for name in part held; do echo partial >"$young/blobs/$name.1f.incomplete"; done
touch -d '3 days ago' "$young"/blobs/{lost,*.incomplete}
: >"$root/hub/.locks/models--org--young/held.lock"
echo 1 >"$root/hub/version.txt"
remember

exec 7<"$root/hub/.locks/models--org--young/held.lock" && flock 7
exec 8<"$root/hub/.locks/datasets--org--busy/own-aaaa.lock" && flock 8
expect 0 plan --json
json --all /path >"$dir/paths"
grep -qx "$root/hub/models--org--old" "$dir/paths" || fail "the old repository is not in the plan"
! grep -q busy "$dir/paths" || fail "one whose lock is held is in the plan"
expect 0 run --yes
[[ ! -e $root/hub/models--org--old ]] || fail "the old repository stays"
[[ -e $root/hub/datasets--org--busy/blobs/own-aaaa && -e $root/hub/datasets--org--busy/refs/v1 ]] || fail "a part of a locked one went"
[[ ! -e $half/snapshots/aaaa && ! -e $half/blobs/own-aaaa && ! -e $half/refs/v1 ]] || fail "the old revision stays"
[[ $(cat "$half/snapshots/bbbb/config.json") == 'bbbb of models--org--half' && -s $half/snapshots/bbbb/onnx/model.onnx ]] ||
  fail "the other revision was broken"
[[ ! -e $young/blobs/lost && ! -e $young/blobs/part.1f.incomplete ]] || fail "an orphan or a stale download stays"
[[ -e $young/blobs/held.1f.incomplete && -e $young/snapshots/aaaa/config.json ]] || fail "a download under way went"
expect 0 rollback latest
unchanged
exec 7<&- 8<&-

# What is closed off may be what refers to a blob: then nothing that needs an orphan goes.
sed -i "s|access = \[|exclude = [\"$young/snapshots/bbbb\"], &|" "$config"
expect 0 plan
says "$out" 'perhaps no'
expect 0 plan --json
json --all /path >"$dir/paths" || true
! grep -q /blobs/own "$dir/paths" || fail "a blob would go that something closed off may refer to"
