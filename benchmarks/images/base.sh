#!/usr/bin/env bash
# Make the base image that the recipes start from: Debian 12 with its Python 3.11 and pip, built from Debian's packages.
#
# usage: base.sh [TAG]            (TAG defaults to slimml-bench/python:3.11)
#
# It exists because an image cannot be pulled everywhere. Where it can, build.py --base python:3.11 is as good.
# Like Debian's official image it tells apt to keep no archives and its lists compressed.
# Certificates that this host's administrator added are added to the image too, so that pip works behind a proxy that
# signs for others. DOCKER_HOST chooses the engine. Needs mmdebstrap and docker.
set -euo pipefail

tag="${1:-slimml-bench/python:3.11}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

certificates=/usr/local/share/ca-certificates
hooks=()
if compgen -G "$certificates/*.crt" >/dev/null; then
  hooks+=(--customize-hook="copy-in $certificates /usr/local/share")
  hooks+=(--customize-hook='chroot "$1" update-ca-certificates')
fi

cat >"$work/docker-clean" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
Apt::AutoRemove::SuggestsImportant "false";
END
hooks+=(--customize-hook="copy-in $work/docker-clean /etc/apt/apt.conf.d")
hooks+=(--customize-hook='rm -f "$1"/var/cache/apt/*.bin')

mmdebstrap --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates \
  "${hooks[@]}" bookworm "$work/base.tar"

docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
  --change 'CMD ["python3"]' \
  "$work/base.tar" "$tag"
