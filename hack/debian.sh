#!/usr/bin/env bash
# Installs the Debian packages that are named as arguments, those that are
# missing. Needs root (or sudo) only if something is missing. It starts no
# services.
set -euo pipefail
missing=()
for p in "$@"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "missing Debian packages: ${missing[*]}; install them or run as root" >&2; exit 1; }
	sudo=sudo
fi
echo "installing Debian packages: ${missing[*]}" >&2
# Packages must not start services on a machine that only runs tests.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod +x $policy
	made=1
fi
cleanup() { [ -z "$made" ] || $sudo rm -f $policy; }
trap cleanup EXIT
install() { DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/mailbackend-apt.$$ 2>&1; }
install || { $sudo apt-get update -q >/dev/null && install; } || { cat /tmp/mailbackend-apt.$$ >&2; exit 1; }
rm -f /tmp/mailbackend-apt.$$
