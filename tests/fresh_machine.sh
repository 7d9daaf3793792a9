#!/usr/bin/env bash
# `make reproduce` and `make test` on a bare Debian of today, with nothing but python, venv, make and git installed.
# usage, as root: tests/fresh_machine.sh DIR [PYTHON ...]      DIR: made anew; PYTHON: python3 (3.14), python3.15
set -euo pipefail
shopt -s nullglob
dir=$1 checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
shift
pythons=("$@")
[ $# -gt 0 ] || pythons=(python3 python3.15)

command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
sources=(/etc/apt/*.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources)
mirror=$(sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *([a-z]+:[^ ]*).*/\3/p' "${sources[@]}" 2>/dev/null | head -n 1)
packages=python3,python3-venv,python3.15,python3.15-venv,make,git,ca-certificates
debootstrap --variant=minbase --include="$packages" sid "$dir" ${mirror:+"$mirror"}

# the network as this machine has it
cp /etc/resolv.conf /etc/hosts "$dir/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$dir/etc/"
mount -t proc proc "$dir/proc"
mount --bind /dev/pts "$dir/dev/pts"
trap 'umount "$dir/proc" "$dir/dev/pts"' EXIT

for python in "${pythons[@]}"; do
  git clone -q "$checkout" "$dir/root/rnnkit-$python"
  for target in reproduce test; do
    echo "== $python: make $target"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
      chroot "$dir" bash -c "cd /root/rnnkit-$python && time make PYTHON=$python $target && test -z \"\$(git status --porcelain)\""
  done
done
