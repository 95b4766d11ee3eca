#!/usr/bin/env bash
# Runs every fuzzer of the module for FUZZTIME (default 10s) each.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-10s}
n=0
for pkg in $(grep -rl --include='*_test.go' '^func Fuzz' backend cmd test 2>/dev/null | xargs -n1 dirname | sort -u); do
	[ ! -e "$pkg/go.mod" ] || continue
	for f in $(grep -h -o '^func Fuzz[A-Za-z0-9_]*' "$pkg"/*_test.go | cut -d' ' -f2 | sort -u); do
		echo "== ./$pkg $f $time"
		go test "./$pkg" -run '^$' -fuzz "^$f\$" -fuzztime "$time"
		n=$((n + 1))
	done
done
echo "$n fuzzers ran for $time each"
