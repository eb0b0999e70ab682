# The example in another language, built by the compiler of the distribution, runs in the same sandbox by the same rules.
source "$(dirname "$0")/lib.sh"
rustc=/usr/bin/rustc
[[ -x $rustc ]] || skip "no $rustc; packaging/install-deps.sh --tests installs it"
mkdir "$dir/plugins"
id=org.freshet.example.empty-files
# As sdk/README.md says it.
"$rustc" --edition 2021 --crate-type cdylib -C opt-level=2 -C panic=abort -D warnings \
  -C link-args="-nostartfiles -Wl,-z,now,-z,text,-z,defs -lc" -o "$dir/plugins/$id.so" "$SOURCE/sdk/examples/empty-files.rs"
plugins=(--plugin-dir "$dir/plugins")
expect 0 plugins inspect "$id" --json "${plugins[@]}"
expect_json /required_permissions/0 remove
expect 0 plugins check "$dir/plugins/$id.so"
touch -d '90 days ago' "$root/old"
touch "$root/young"
printf x >"$root/full"
touch -d '90 days ago' "$root/full"
mkdir "$root/folder"
printf '[task.t]\nplugin = "%s"\nroots = [{ path = "%s" }]\nsettings = { older-than = "30d" }\nbudget = { share = 1.0 }\n' "$id" "$root" >"$config"
remember
expect 0 run --yes --json "${plugins[@]}"
expect_json /entries_removed 1
[[ ! -e $root/old && -e $root/young && -e $root/full && -d $root/folder ]] || fail "other entries went: $(ls "$root")"
expect 0 rollback latest
unchanged
