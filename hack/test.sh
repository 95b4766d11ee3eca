#!/usr/bin/env bash
# Every test. Installs the mail clients that the black-box tests run, builds
# what they start, and stops at the first suite that fails.
#   GO_TEST_FLAGS  further flags for all suites, such as -v
set -euo pipefail
cd "$(dirname "$0")/.."
hack/debian.sh zstd isync curl mutt swaks python3
MAILBACKEND_TEST_TOOLS=$(hack/postfix-tools.sh)
export MAILBACKEND_TEST_TOOLS
flags=(-count=1 ${GO_TEST_FLAGS:-})
suite() {
	local begin=$SECONDS
	echo "== $*"
	"$@"
	echo "== $((SECONDS - begin))s"
}
suite go test "${flags[@]}" -race ./api/... ./controllers/... ./backend/... ./cmd/...
suite go test "${flags[@]}" ./test/...
(cd test/s3 && suite go test "${flags[@]}" ./...)
echo "all tests passed in ${SECONDS}s"
