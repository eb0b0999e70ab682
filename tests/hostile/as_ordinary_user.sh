#!/bin/bash
# The cases as a user without rights, whose own processes and files are the ones at stake:
# as_ordinary_user.sh REPORT ROLE TEST-ROLE PLUGIN MODE
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
  echo "not root: the tests themselves have just run as an ordinary user"
  exit 0
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/freshet-hostile-user-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$1" "$folder/report"
cp "$2" "$folder/freshet-role"
cp "$3" "$folder/freshet-test-role"
cp "$4" "$folder/cases.so"
mkdir "$folder/tmp"
chmod 755 "$folder"
chmod 777 "$folder/tmp"
export TMPDIR=$folder/tmp
cd "$folder"
setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/report" --layers "$5" --role "$folder/freshet-role" \
  --test-role "$folder/freshet-test-role" --plugin "$folder/cases.so"
