#!/bin/bash
# The library shows what public headers declare and nothing else: exports.sh PREFIX
set -euo pipefail
prefix=${1:?usage: exports.sh PREFIX}
library=$(find "$prefix" -name libfreshet.so)
[[ -n $library ]] || { echo "there is no libfreshet.so below $prefix"; exit 1; }
# Without optimisation the standard library's templates over public types are functions of their own: "freshet::X* std::f<..".
shown=$(nm --dynamic --demangle --defined-only --format=posix "$library" | sed -E 's/ [A-Za-z]( [0-9a-f]+)*$//' |
  grep -Ev '^freshet::[A-Za-z]+( const)?[*&]* std::')

wrong=$(grep -Ev '^((typeinfo|typeinfo name|vtable) for )?freshet::((config|policy)::)?[A-Za-z_]+(::|\(|\[|$)' <<<"$shown" || true)
wrong+=$(grep -E 'freshet::(base|manifest|wire|sandbox|worker|broker|channel|store)::' <<<"$shown" || true)
[[ -z $wrong ]] || { printf 'shown, and not public:\n%s\n' "$wrong"; exit 1; }
for wanted in 'freshet::make_manager(' 'freshet::make_manager_from_file(' 'freshet::find_plugin_dirs' 'freshet::examine_host' \
  'freshet::to_string(freshet::TaskState)' 'freshet::fail(' 'freshet::setup_logging(' 'freshet::config::load(' \
  'freshet::policy::find_code_page('; do
  grep -qF "$wanted" <<<"$shown" || { echo "not shown: $wanted"; exit 1; }
done

# Something else that is shown must be noticed.
if [[ ${2:-} != planted ]]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  echo 'namespace sqlite { int planted() { return 1; } }' | g++ -shared -fPIC -x c++ - -o "$scratch/libfreshet.so"
  said=$("${BASH_SOURCE[0]}" "$scratch" planted || true)
  [[ $said == *sqlite::planted* ]] || { echo "a foreign function was not noticed"; exit 1; }
fi
