#!/usr/bin/env bash
# make bench: builds nothing but the bench; installs a peer when one is asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${PEER:-} in
"") ;;
dovecot) hack/debian.sh dovecot-imapd dovecot-lmtpd ;;
*) echo "unknown PEER '$PEER'; known: dovecot" >&2; exit 2 ;;
esac
exec go run ./test/bench -binary bin/mailbackend -peer "${PEER:-}" ${BENCH_FLAGS:-}
