#!/usr/bin/env bash
# Run tests/other_machine.py on 64-bit ARM, emulated: tests/arm64.sh DIR. Debian or Ubuntu, as root; DIR takes 1 GB.
# DIR gets Python 3.11 of Debian 12, the wheels of requirements.lock and a cache of compiled kernels: a later run only
# computes. Processes that this one would start are not emulated, so the script may start none.
set -euo pipefail
[ $# = 1 ] || { echo "usage: tests/arm64.sh DIR" >&2; exit 2; }
checkout=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" && dir=$(cd "$1" && pwd)
export DEBIAN_FRONTEND=noninteractive PATH=$PATH:/usr/sbin:/sbin

if [ ! -e "$dir/root/ready" ]; then
  apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends debootstrap qemu-user-static >/dev/null
  rm -rf "$dir/root"
  # The second stage of debootstrap would run ARM programs as root; unpacked, they are enough.
  debootstrap --foreign --arch=arm64 --variant=minbase --include=python3 bookworm "$dir/root" >"$dir/log" 2>&1
  for package in "$dir"/root/var/cache/apt/archives/*.deb; do dpkg -x "$package" "$dir/root"; done
  touch "$dir/root/ready"
fi

# Lines for Python 3.11; a marker would be taken for the Python that runs pip.
pins=$(grep -E '^(numba|llvmlite|numpy|scipy|threadpoolctl)==' "$checkout/requirements.lock" |
  grep -v "; .*>=" | cut -d' ' -f1)
if [ "$pins" != "$(cat "$dir/site/pins" 2>/dev/null)" ]; then
  rm -rf "$dir/site" "$dir/wheels"
  platforms=(manylinux2014_aarch64 manylinux_2_27_aarch64 manylinux_2_28_aarch64)
  # shellcheck disable=SC2086  # one word a requirement
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: "${platforms[@]/#/--platform=}" \
    --python-version=3.11 --implementation=cp --abi=cp311 --abi=abi3 --abi=none --dest="$dir/wheels" $pins
  for wheel in "$dir"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$dir/site"; done
  echo "$pins" >"$dir/site/pins"
fi

cd "$checkout"
PYTHONPATH=$dir/site:$checkout PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=$dir/cache \
  exec qemu-aarch64-static -L "$dir/root" "$dir/root/usr/bin/python3.11" tests/other_machine.py
