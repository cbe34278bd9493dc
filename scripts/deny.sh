#!/usr/bin/env bash
# Checks dependencies with cargo-deny: licences, sources, duplicates, and advisories where their database can be had.
#
# The advisory database is a git repository. Where it can be neither fetched nor found in cargo's home, the other
# checks still run and the output says in plain words that known vulnerabilities were NOT looked up.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

# How long the database's server may take to answer before it counts as out of reach.
fetch_secs=60

# Duplicate versions are warnings, one line each: `cargo deny check bans` draws the tree behind each of them.
output=$(cargo deny --color never --locked check --hide-inclusion-graph bans licenses sources 2>&1) || {
  printf '%s\n' "$output" >&2
  exit 1
}
grep '^warning' <<<"$output" || true
tail -n 1 <<<"$output"

if GIT_TERMINAL_PROMPT=0 timeout "$fetch_secs" cargo deny --locked fetch db >/dev/null 2>&1; then
  cargo deny --locked --offline check advisories
elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/*.*" >/dev/null \
  || compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then
  echo "NOTE: the advisory database could not be refreshed: its cached copy is used"
  cargo deny --locked --offline check advisories
else
  echo "NOTE: advisories were NOT checked: their database cannot be reached and no copy of it is cached here"
fi
