#!/bin/sh
# Installs the gateway and the launch script: sh deploy/install.sh [PREFIX]. Default /usr/local. Afterwards
# `run_autoglm_server.sh` and `duanyun` lie in PREFIX/bin, and the project in PREFIX/lib/duanyun. Run again, it replaces them.
set -eu

prefix=${1:-/usr/local}
source=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
target="$prefix/lib/duanyun"

command -v node >/dev/null 2>&1 || {
  echo "[ERROR] Node.js 20.19 or later is needed" >&2
  echo "[ERROR]   mend: install it from https://nodejs.org (Debian: apt-get install nodejs npm)" >&2
  exit 1
}
mkdir -p "$prefix/bin" "$prefix/lib"
[ -w "$prefix/bin" ] && [ -w "$prefix/lib" ] || {
  echo "[ERROR] $prefix cannot be written" >&2
  echo "[ERROR]   mend: sudo sh $0 $prefix   (or another place: sh $0 \"\$HOME/.local\")" >&2
  exit 1
}
if [ "$source" != "$target" ]; then
  rm -rf "$target.new"
  mkdir "$target.new"
  (cd "$source" && tar -cf - --exclude=./node_modules --exclude=./.git --exclude=./dist --exclude=./.duanyun .) | (cd "$target.new" && tar -xf -)
  # Packages that are there already are kept where they fit.
  if [ -d "$target/node_modules" ] && cmp -s "$target/package-lock.json" "$target.new/package-lock.json"; then
    mv "$target/node_modules" "$target.new/node_modules"
  fi
  rm -rf "$target"
  mv "$target.new" "$target"
fi
# The packages and the build, as `npm start` would make them.
node "$target/scripts/set-up.mjs"
ln -sf "$target/deploy/run_autoglm_server.sh" "$prefix/bin/run_autoglm_server.sh"
ln -sf "$target/bin/duanyun" "$prefix/bin/duanyun"
echo "[INFO] Installed in $target"
echo "[INFO] Try: run_autoglm_server.sh --dry-run"
