#!/usr/bin/env bash
# Fails on Go files past 500 lines. Generated files and tests are exempt.
set -euo pipefail
cd "$(dirname "$0")/.."
long=$(git ls-files '*.go' | grep -v -e zz_generated -e _test.go | xargs wc -l | awk '$2 != "total" && $1 > 500')
[ -z "$long" ] || { echo "Go files past 500 lines; look for the seam:" >&2; echo "$long" >&2; exit 1; }
