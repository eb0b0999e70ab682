# Errors in the configuration: all at once, each with its place and a caret; nothing happens.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
remember
cat >"$config" <<END
[channel.web]
roots = [{ path = "$root", acces = ["remove"] }]
[task.old]
plugin = "org.freshet.expired-files"
chanel = "web"
settings = { older-than = "30d" }
enabled = "yes"
END
for command in check plan 'run --yes'; do
  # shellcheck disable=SC2086
  expect 1 $command
  says "$err" "$config:2:" "$config:5:1" "$config:7:" 'chanel = "web"' '^' 'did you mean `channel`?' 'did you mean `access`?'
done
expect 1 check --json
(($(json /diagnostics | grep -o '"line"' | wc -l) >= 3)) || fail "not every error is in the JSON"

mkdir "$dir/other"
# What a plugin says of its settings and what a manifest says of names comes with the rest, not after it.
cat >"$config" <<END
isolaton = "strict"
[task.old]
plugin = "org.freshet.expired-files"
roots = [{ path = "$root" }]
after = ["odl", "odd"]
settings = { older-then = "30d", age-by = ["mtimes"] }
[task.odd]
plugin = "org.freshet.expired-file"
roots = [{ path = "$dir/other" }]
requires = ["old"]
END
for command in check plan; do
  expect 1 $command
  says "$err" "$config:1:1" "$config:5:10" 'but no task is named so' 'older-then' "$config:6:" "did you mean \`older-than\`?" \
    "did you mean \`mtime\`?" "$config:8:1" "did you mean \`org.freshet.expired-files\`?" 'old -> odd'
done
(($(grep -c ' | *^$' "$err") >= 6)) || fail "a caret is missing"
sed -i 's/^isolaton/isolation/; s/"odl", "odd"//' "$config"
expect 1 check
says "$err" "$config:6:14" 'settings = { older-then' 'The configuration has errors'
expect 1 plan
says "$out" "$config:6:14" 'settings = { older-then'

printf '[task.old\n' >"$config" && expect 1 check && says "$err" "$config:1:"
head -c 4096 /dev/urandom >"$config" && expect 1 check && says "$err" "$config"
head -c 40000 /dev/zero | tr '\0' '[' >"$config" && expect 1 check && says "$err" "$config"
rm "$config" && expect 1 check && says "$err" "$config"
mkdir "$config" && expect 1 check && says "$err" "$config"
unchanged
