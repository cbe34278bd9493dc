#!/usr/bin/env bash
# dashboard.sh build | test     the web page that the binary carries; does nothing where there is no dashboard folder
#
# Testing drives the debug binary too, which `cargo test --workspace` leaves behind (or PORTCULLIS_BIN).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

[ -f dashboard/package.json ] || exit 0
if ! command -v npm >/dev/null 2>&1; then
  if [ "${1:-}" = build ]; then
    echo "no npm here: the binary is built with a page that says how to build the dashboard" >&2
    exit 0
  fi
  echo "testing the dashboard needs Node with npm: run scripts/setup.sh test" >&2
  exit 2
fi
cd dashboard

# Installs packages only when the lock file changed since the last time.
install_packages() {
  local stamp=node_modules/.portcullis-lock
  cmp -s package-lock.json "$stamp" && return 0
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

# True when a source is newer than what was built from it.
is_stale() {
  [ -f dist/index.html ] || return 0
  [ -n "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -path ./test-results -prune \
    -o -type f -newer dist/index.html -print -quit)" ]
}

case ${1:-} in
build)
  is_stale || exit 0
  install_packages
  npm run build
  touch dist/index.html
  ;;
test)
  install_packages
  npm run --if-present check
  npm test
  npm run e2e
  ;;
*)
  echo "usage: $0 build|test" >&2
  exit 2
  ;;
esac
