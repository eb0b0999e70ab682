#!/bin/bash
# Every verdict that `plugins check` can give has a plugin that fails it: every_rule.sh FRESHET PLUGIN CHECKS.md NAME..
set -euo pipefail
freshet=$1 plugin=$2 checks=$3
shift 3
rules=$("$freshet" plugins check "$plugin" --verbose 2>/dev/null | sed -n 's/^  \(passed\|skipped\|failed\) *\([a-z-]*\):.*/\2/p' | sort)
count=$(wc -l <<<"$rules")
for rule in $rules; do grep -q "^| \`$rule\`" "$checks" || { echo "sdk/CHECKS.md does not have $rule"; exit 1; }; done
((count >= 30)) || { echo "only $count verdicts"; exit 1; }
missing=$(comm -23 <(printf '%s\n' "$rules") <(printf '%s\n' "$@" | sort))
[[ -z $missing ]] || { echo "no plugin fails: $missing"; exit 1; }
echo "$count verdicts, each with a plugin that fails it"
