#!/usr/bin/env bash
# Prints a directory with postfix's smtp-source, which is unpacked from Debian's
# package there: no mail server is installed.
set -euo pipefail
dir=${XDG_CACHE_HOME:-$HOME/.cache}/mailbackend/postfix
if [ ! -x "$dir/bin/smtp-source" ]; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && { apt-get download -q postfix >&2 || { apt-get update -q >&2 && apt-get download -q postfix >&2; }; })
	dpkg -x "$tmp"/postfix_*.deb "$tmp/root"
	mkdir -p "$dir/bin" "$dir/lib"
	cp "$tmp"/root/usr/lib/postfix/*.so "$dir/lib/"
	cp "$tmp/root/usr/sbin/smtp-source" "$dir/smtp-source.bin"
	"$(dirname "$0")/debian.sh" libdb5.3 libicu72 >&2
	printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$dir/lib" "$dir/smtp-source.bin" > "$dir/bin/smtp-source"
	chmod +x "$dir/bin/smtp-source"
fi
echo "$dir/bin"
