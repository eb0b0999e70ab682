#!/bin/bash
# Plants one violation at a time in a small tree and checks that layering.sh and top_level.sh find each.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

plant_clean_tree() {
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree"
  cd "$scratch/tree"
  mkdir -p .ci config packaging plugins/sample sdk/include/freshet tests/layout
  local layer previous=
  for layer in base config policy wire broker store manager report cli role; do
    mkdir -p "runtime/$layer"
    printf '#include "runtime/%s/%s.h"\n#include <string>\n// #include "runtime/cli/cli.h"\n' "$layer" "$layer" >"runtime/$layer/$layer.cc"
    printf '#pragma once\n' >"runtime/$layer/$layer.h"
    if [[ $layer == role ]]; then
      printf 'target_link_libraries(freshet_role PRIVATE freshet_broker freshet_base)\n' >"runtime/$layer/CMakeLists.txt"
      printf '#include "runtime/broker/broker.h"\n' >>"runtime/$layer/$layer.cc"
    else
      printf 'freshet_layer(%s SOURCES %s.cc LINK %s)  # not freshet_cli\n' "$layer" "$layer" \
        "freshet_base freshet_config freshet_manager ${previous:+freshet_$previous}" >"runtime/$layer/CMakeLists.txt"
      [[ $layer == manager || $layer == report || $layer == cli ]] || sed -i 's/freshet_manager //' "runtime/$layer/CMakeLists.txt"
      [[ $layer != base ]] || sed -i 's/freshet_config //' "runtime/$layer/CMakeLists.txt"
      previous=$layer
    fi
  done
  printf '#include "runtime/manager/runs.h"\n#include "runtime/base/base.h"\n' >>runtime/cli/cli.cc
  printf '# public\n\nruntime/manager/runs.h\nruntime/manager/task.h\n' >runtime/public_headers.txt
  printf '# of the command line\nruntime/manager/runs.h\nruntime/base/base.h\n' >tests/layout/cli_includes.txt
  printf '#include <stdint.h>\n' >sdk/include/freshet/plugin.h
  printf '#include <freshet/plugin.h>\n#include "age.h"\n#include <vector>\n' >plugins/sample/sample.cc
  printf '#pragma once\n' >plugins/sample/age.h
  printf 'text\n' | tee README.md CMakeLists.txt .gitignore {runtime,sdk,plugins,tests,config,packaging}/README.md >/dev/null
}

# expect SCRIPT TEXT: the script fails and names the violation
expect() {
  local output
  if output=$("$here/$1" "$scratch/tree" 2>&1); then
    printf 'NOT FOUND by %s: %s\n' "$1" "$2"
    failures=$((failures + 1))
  elif [[ $output != *"$2"* ]]; then
    printf '%s failed, but not with "%s":\n%s\n' "$1" "$2" "$output"
    failures=$((failures + 1))
  fi
}
# planted SCRIPT TEXT FILE LINE: adds a line to a file of a clean tree
planted() {
  plant_clean_tree
  printf '%s\n' "$4" >>"$3"
  expect "$1" "$2"
}

plant_clean_tree
"$here/layering.sh" "$scratch/tree"
"$here/top_level.sh" "$scratch/tree"

planted layering.sh 'layer base includes runtime/manager/runs.h' runtime/base/base.cc '#include "runtime/manager/runs.h"'
planted layering.sh 'layer wire includes runtime/broker/broker.h' runtime/wire/wire.h '  #  include <runtime/broker/broker.h>'
planted layering.sh 'does not link freshet_wire' runtime/report/report.cc '#include "runtime/wire/wire.h"'
planted layering.sh 'includes "base.h"' runtime/base/base.cc '#include "base.h"'
planted layering.sh 'cli_includes.txt does not name' runtime/cli/cli.cc '#include "runtime/manager/state.h"'
planted layering.sh 'cli_includes.txt does not name' runtime/cli/cli.cc '#include "runtime/base/other.h"'
planted layering.sh 'cli_includes.txt does not name' runtime/cli/cli.cc '#include "runtime/manager/task.h"'
planted layering.sh 'names runtime/manager/task.h, which the command line does not include' tests/layout/cli_includes.txt 'runtime/manager/task.h'
planted layering.sh 'the role executable includes runtime/store/store.h' runtime/role/role.cc '#include "runtime/store/store.h"'
planted layering.sh 'role/CMakeLists.txt: links store' runtime/role/CMakeLists.txt 'target_link_libraries(x freshet_store)'
planted layering.sh 'config/CMakeLists.txt: links manager' runtime/config/CMakeLists.txt 'target_link_libraries(x freshet_manager)'
planted layering.sh 'config/CMakeLists.txt: links broker' runtime/config/CMakeLists.txt 'target_link_libraries(x freshet_broker_extra)'
planted layering.sh 'the SDK includes runtime/base/base.h' sdk/include/freshet/plugin.h '#include "runtime/base/base.h"'
planted layering.sh 'a plugin includes runtime/base/base.h' plugins/sample/age.h '#include "runtime/base/base.h"'
planted layering.sh 'a plugin includes <boost/dll.hpp>' plugins/sample/age.h '#include <boost/dll.hpp>'

plant_clean_tree
printf '#include "runtime/manager/state.h"\n' >>runtime/cli/cli.cc
printf 'runtime/manager/state.h\n' >>tests/layout/cli_includes.txt
expect layering.sh 'names runtime/manager/state.h, which is not public'
plant_clean_tree
mkdir runtime/utils && printf '#include <string>\n' >runtime/utils/utils.cc && touch runtime/utils/CMakeLists.txt
expect layering.sh 'folder runtime/utils is not in'
plant_clean_tree
mkdir examples
expect top_level.sh 'examples does not belong'
plant_clean_tree
rm sdk/README.md
expect top_level.sh 'sdk/README.md is missing'
plant_clean_tree
rm -r config
expect top_level.sh 'config is missing'
plant_clean_tree
git init -q . && mkdir build && touch build/x stray && printf '/build*/\n' >.gitignore
expect top_level.sh 'stray does not belong'
rm stray
"$here/top_level.sh" "$scratch/tree"

((failures == 0)) || exit 1
echo "every planted violation was found"
