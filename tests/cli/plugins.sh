# Plugins are listed and looked into without running them; each bad file has a code of its own.
source "$(dirname "$0")/lib.sh"
write_config
expect 0 plugins list
says "$out" org.freshet.expired-files old
expect 0 plugins inspect org.freshet.expired-files
says "$out" older-than duration required 'keep'
expect 0 plugins inspect org.freshet.expired-files --json
expect_json /usable true
expect_json /kinds/0/name expired-files
expect 1 plugins inspect org.freshet.expired-fiels
says "$err" 'did you mean `org.freshet.expired-files`?'
refused=$TEST_PLUGINS/refused/org.freshet.test
while read -r name code; do
  expect 1 plugins inspect "$refused.$name.so" --json
  [[ $(json /error/code) == "$code" ]] || fail "$name: $(json /error/code), expected $code"
  expect 1 plugins inspect "$refused.$name.so"
  says "$err" "$code"
  expect 0 explain "$code"
done <<'END'
not-elf F2001
wrong-machine F2002
truncated F2003
no-manifest F2004
manifest-syntax F2005
deep-manifest F2005
missing-key F2006
abi-range F2007
newer-minor F2007
no-entry F2008
two-exports F2009
unknown-library F2014
rpath F2015
auxiliary F2016
text-relocation F2017
executable-stack F2018
writable-code F2019
scattered-code F2019
too-large F2020
large-manifest F2020
large-answer F2020
END
expect 0 plugins inspect "$TEST_PLUGINS/stripped/org.freshet.test.well-behaved.so"
says "$out" 'stripped     yes'
expect 1 plugins inspect /no/such.so
