#!/usr/bin/env bash
# Starts a variant of a workload as a copy of an existing one: one file, its mod line and its table entry.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: scripts/new-variant.sh WORKLOAD NAME [ROLE] [FROM]
  ROLE  Baseline, Documented, Optimised (default) or Peer
  FROM  the variant to copy (default: the first of the table)"

fail() {
  echo "$1" >&2
  echo "$usage" >&2
  exit 2
}

camel() {
  sed -E 's/(^|_)([a-z0-9])/\u\2/g' <<<"$1"
}

[[ $# -ge 2 && $# -le 4 ]] || fail "two to four arguments are needed"
workload=$1 name=$2 role=${3:-Optimised}
folder=workloads/src/$workload
table=$folder/mod.rs
[[ -f $table ]] || fail "$table is not there"
[[ $name =~ ^[a-z][a-z0-9_]*$ ]] || fail "a variant is named in lower case with underscores: $name"
[[ $role =~ ^(Baseline|Documented|Optimised|Peer)$ ]] || fail "there is no role $role"
[[ ! -e $folder/$name.rs ]] || fail "$folder/$name.rs is there already"

first=$(sed -nE '/variants: &\[/,/\],/ s/.*<([a-z0-9_]+)::.*/\1/p' "$table" | sed -n 1p)
from=${4:-$first}
[[ -n $from ]] || fail "the table in $table is of another shape: copy a file and its lines by hand"
[[ -f $folder/$from.rs ]] || fail "$folder/$from.rs is not there"

rename="s/\b$from\b/$name/g; s/\b$(camel "$from")\b/$(camel "$name")/g"
sed -E "$rename" "$folder/$from.rs" >"$folder/$name.rs"

# A table entry runs from the line that names the module to the line that closes the call.
entry=$(awk -v start="<$from::" 'index($0, start) { on = 1 } on { print } on && /\),$/ { exit }' "$table")
entry=$(sed -E "$rename; s/Role::[A-Za-z]+/Role::$role/" <<<"$entry")
export from name entry
awk '
  { print }
  $0 == "mod " ENVIRON["from"] ";" { print "mod " ENVIRON["name"] ";" }
  index($0, "<" ENVIRON["from"] "::") { in_entry = 1 }
  in_entry && /\),$/ { print ENVIRON["entry"]; in_entry = 0 }
' "$table" >"$table.new"
mv "$table.new" "$table"
rustfmt --edition 2024 "$table"

echo "made $folder/$name.rs as a copy of $from.rs, with its mod line and its entry in $table"
echo "next: make it another way to do it, say which in its first lines and in what the table says of it, then"
echo "  cargo test -p perfbench-workloads $workload"
echo "  cargo run --release -- run $workload"
