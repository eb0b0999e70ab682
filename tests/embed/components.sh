#!/bin/bash
# Everything that is installed belongs to the components runtime, sdk and plugins (the roles to the first two): components.sh BUILD
set -euo pipefail
build=${1:?usage: components.sh BUILD}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
files() { (cd "$scratch/$1" && find . ! -type d | sort); }

cmake --install "$build" --prefix "$scratch/all" >/dev/null
for component in runtime sdk plugins; do
  cmake --install "$build" --prefix "$scratch/$component" --component "$component" >/dev/null
  files "$component"
done | sort -u >"$scratch/together"
diff <(files all) "$scratch/together" || { echo "the components together are not the whole"; exit 1; }

has() { [[ -e $(compgen -G "$scratch/$1" || true) ]] || { echo "$1 is missing"; exit 1; }; }
has 'runtime/bin/freshet'
has 'runtime/libexec/freshet/freshet-role'
has 'runtime/libexec/freshet/freshet-role-static'
has 'runtime/lib*/cmake/Freshet/FreshetConfig.cmake'
has 'runtime/include/freshet/runtime/manager/make_manager.h'
has 'sdk/include/freshet/plugin.h'
has 'plugins/lib*/freshet/plugins/org.freshet.expired-files.so'
