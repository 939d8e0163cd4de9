#!/usr/bin/env bash
# Compiles uncompilable.cpp once as it is (must pass) and once per case (must fail, and for the case's own reason).
set -euo pipefail
root=$1
cxx=${CXX:-g++}
file=$root/tests/base/uncompilable.cpp
passed=0
failed=0
compile() {
  "$cxx" -std=c++23 -fsyntax-only -Werror=unused-result -I"$root" "$@" "$file" 2>&1
}
if output=$(compile); then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
  echo "without a case it must compile:"
  head -n 20 <<<"$output"
fi
cases=$(sed -n 's/^#\(el\)\{0,1\}if CASE == \([0-9]*\).*/\2/p' "$file")
for case in $cases; do
  if output=$(compile -DCASE="$case"); then
    failed=$((failed + 1))
    echo "case $case compiles"
  elif grep -q 'no such case\|No such file' <<<"$output"; then
    failed=$((failed + 1))
    echo "case $case fails for another reason:"
    head -n 5 <<<"$output"
  else
    passed=$((passed + 1))
  fi
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 5))
