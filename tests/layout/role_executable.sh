#!/bin/bash
# Checks that freshet-role carries no database, logger or formatter: role_executable.sh FILE
set -euo pipefail
file=${1:?usage: role_executable.sh FILE}

symbols=$(nm --demangle "$file")
needed=$(readelf --dynamic --wide "$file" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
grep -q ' main$' <<<"$symbols" || { echo "$file has no symbols to look at"; exit 1; }

status=0
for word in sqlite3_ spdlog:: fmt:: nlohmann:: boost::program_options; do
  if grep -q "$word" <<<"$symbols"; then echo "$file contains $word"; status=1; fi
done
while read -r library; do
  case $library in
    libsqlite3* | libspdlog* | libfmt* | libboost_* | libzstd*) echo "$file needs $library"; status=1 ;;
  esac
done <<<"$needed"
exit "$status"
