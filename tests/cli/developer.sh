# config/examples/developer.toml, all five plugins at once on a developer's home: the plan that it shows, the run, the way back.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "not root: packages and another user's objects are for root"
home=$root/home apt=$root/archives dpkg=$root/dpkg
sed -e "s|/home/me|$home|g; s|/var/cache/apt/archives|$apt|g; s|/var/lib/dpkg|$dpkg|g; s|\"nobody\"|\"54323\"|" \
  -e 's/older-than = "30d", min-size = "1MiB"/&, age-by = ["mtime"]/; s/older-than = "60d"/&, age-by = ["mtime"]/' \
  "$SOURCE/config/examples/developer.toml" >"$config"
grep -q i-know-what-this-is <(grep -v '^#' "$config") && fail "it needs the operator's word"

mkdir -p "$home/src/app/out/CMakeFiles" "$home/src/experiments" "$home/dumps" "$apt/partial" "$dpkg/updates" "$dpkg/info"
touch "$home/src/app/"{CMakeLists.txt,out/CMakeCache.txt}
head -c 2000000 /dev/urandom >"$home/src/app/out/app"
for i in {1..25}; do echo "$i" >"$home/src/experiments/run-$i.log"; touch -d "$((i + 40)) days ago" "$home/src/experiments/run-$i.log"; done
for i in 1 2 3; do head -c 3000 /dev/zero >"$home/dumps/core.app.$i"; touch -d "$((i + 2)) days ago" "$home/dumps/core.app.$i"; done
model=$home/.cache/huggingface/hub/models--org--old
mkdir -p "$model/blobs" "$model/refs" "$model/snapshots/aaaa"
head -c 500000 /dev/urandom >"$model/blobs/b1"
ln -s ../../blobs/b1 "$model/snapshots/aaaa/model.bin"
printf aaaa >"$model/refs/main"
: >"$apt/lock"
printf 'Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3\n\n' >"$dpkg/status"
for version in 1 2 3; do head -c 4000 /dev/urandom >"$apt/hello_${version}_amd64.deb"; done
find "$home/src/app" "$home/.cache" -exec touch -h -d '90 days ago' {} +
remember

expect 0 check
# An archive that came today stays for a day; here it may go at once.
sed -i '/^plugin = "org.freshet.package-cache"/a settings = { min-age = "0s" }' "$config"
expect 0 plan
tr -s ' \n' ' ' <"$out" >"$dir/words"  # lines break where the terminal ends
for plugin in build-trees keep-newest model-cache package-cache orphaned-ipc; do says "$dir/words" "org.freshet.$plugin"; done
says "$dir/words" regenerable re-downloadable unique 'get back for 7d by a rollback; after that' 'made again by what made it' 'fetched again' \
  "hold the lock $apt/lock" 'which cannot be taken back'
expect 0 plan --json
expect_json /tasks/0/costs/regenerable/entries 4
says "$out" '"fetch_bytes":500004' '"fetch_bytes":4000'
json --all /path >"$dir/paths"
for path in "$home/src/app/out" "$home/src/experiments/run-25.log" "$model" "$apt/hello_1_amd64.deb" "$home/dumps/core.app.3"; do
  grep -qx "$path" "$dir/paths" || fail "$path is not in the plan"
done
expect 0 run --yes
[[ ! -e $home/src/app/out && ! -e $model && ! -e $apt/hello_1_amd64.deb && ! -e $home/dumps/core.app.3 ]] || fail "something stays"
[[ -e $home/src/app/CMakeLists.txt && -e $apt/hello_2_amd64.deb && -e $home/src/experiments/run-20.log ]] || fail "too much went"
expect 0 rollback latest
unchanged
