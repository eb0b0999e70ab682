# With root's rights, a configuration, a plugin or a state directory that others may change is refused.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "needs root"
write_config
old_files "$root/a" 2
remember
chmod o+w "$config"
expect 4 check
says "$err" F1030 "$config"
expect 4 run --yes
unchanged
(cd "$dir" && config=freshet.toml expect 4 check)
says "$err" F1030 "$config"
chmod o-w "$config"
mkdir "$dir/plugins"
cp "$PLUGINS"/*.so "$dir/plugins/"
chmod g+w "$dir"/plugins/*.so
expect 4 check --plugin-dir "$dir/plugins"
says "$err" F1030 "$dir/plugins"
chmod g-w "$dir"/plugins/*.so
chmod o+w "$dir/plugins"
expect 4 check --plugin-dir "$dir/plugins"
says "$err" F1030 "$dir/plugins"
expect 4 run --yes --plugin-dir "$dir/plugins"
unchanged
chmod o-w "$dir/plugins"
expect 0 check --plugin-dir "$dir/plugins"
mkdir -p "$dir/etc/conf.d"
cp "$config" "$dir/etc/freshet.toml"
mkdir "$dir/more"
task more "$dir/more" >"$dir/etc/conf.d/more.toml"
config=$dir/etc/freshet.toml expect 0 check
chmod o+w "$dir/etc/conf.d"
config=$dir/etc/freshet.toml expect 4 check
says "$err" F1030 "$dir/etc/conf.d"
chown 65534 "$config"
expect 4 check

# So is a state directory: who may write there could hand root a history of his own.
chown 0 "$config"
mkdir -m 0777 "$dir/open" && chmod 0777 "$dir/open"
for state in "$dir/open" "$dir/open/below"; do
  expect 4 run --yes
  says "$err" F1030 "$dir/open"
  expect 4 rollback latest
  unchanged
done
