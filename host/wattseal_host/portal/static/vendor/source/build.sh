#!/bin/sh
# Builds noble-curves.js from the versions named in package.json; `--check` compares it with the
# kept file instead of replacing it. Needs npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v npm >/dev/null || { echo "npm is missing: on Debian, apt install npm" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/entry.js" "$work"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts
npx esbuild entry.js --bundle --format=esm --target=es2022 --minify --legal-comments=eof \
  --log-level=warning --outfile=noble-curves.js
if [ "${1:-}" = --check ]; then
  sha256sum --check "$here/../noble-curves.js.sha256"
else
  cp noble-curves.js "$here/.."
  sha256sum noble-curves.js > "$here/../noble-curves.js.sha256"
fi
