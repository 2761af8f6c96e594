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

# Every table line reads `    MAKER::<MODULE::Type>("NAME", MODULE::ABOUT, Role::ROLE),`.
in_table() {
  sed -nE 's/^ +[a-z]+::<([a-z0-9_]+)::[A-Za-z0-9]+>\("[a-z0-9_]+", .*\),$/\1/p' "$table"
}

# The first of the table that is one file: a folder beside it would hold parts that the copy lacks.
first() {
  in_table | while read -r module; do
    [[ -d $folder/$module ]] || { echo "$module" && break; }
  done
}

from=${4:-$(first)}
in_table | grep -qx "$from" || fail "$table has no line for $from"
[[ -f $folder/$from.rs && ! -d $folder/$from ]] || fail "$folder/$from.rs is not all of that variant"

new=$(mktemp -d)
trap 'rm -r "$new"' EXIT
rename="s/\b$from\b/$name/g; s/\b$(camel "$from")\b/$(camel "$name")/g"
sed -E "$rename" "$folder/$from.rs" >"$new/file"
sed -E "
  /^(pub )?mod $from;\$/ { p; s/$from/$name/; b }
  /^ +[a-z]+::<$from::/ { p; $rename; s/Role::[A-Za-z]+/Role::$role/ }
" "$table" >"$new/table"
rustfmt --edition 2024 <"$new/table" >"$new/formatted"

added=$(diff "$table" "$new/formatted" | grep -c '^>' || true)
removed=$(diff "$table" "$new/formatted" | grep -c '^<' || true)
[[ $added == 2 && $removed == 0 ]] ||
  fail "$added lines would come to $table and $removed go, instead of 2 and none: a shorter name may help"
cp "$new/formatted" "$table"
cp "$new/file" "$folder/$name.rs"

echo "made $folder/$name.rs as a copy of $from.rs, with its mod line and its entry in $table"
echo "next: make it another way to do it, say which in its first lines and in what the table says of it, then"
echo "  cargo test -p perfbench-workloads $workload"
echo "  cargo run --release -- run $workload"
