#!/bin/bash
# Runs the channel's tests as a user without rights: as_ordinary_user.sh TEST-PROGRAM ROLE-EXECUTABLE PLUGIN-FOLDER TEST-ROLE
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
  echo "not root: the tests themselves have just run as an ordinary user"
  exit 0
fi
# The build tree may lie where only root can go.
folder=$(mktemp -d "${TMPDIR:-/tmp}/freshet-ordinary-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$1" "$folder/unit_channel"
cp "$2" "$folder/freshet-role"
cp "$3"/*.so "$folder/"
cp "$4" "$folder/freshet-test-role"
mkdir "$folder/tmp"
chmod 755 "$folder"
chmod 777 "$folder/tmp"
export FRESHET_TEST_DIR=$folder TMPDIR=$folder/tmp
cd "$folder"
setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/unit_channel" --gtest_brief=1
