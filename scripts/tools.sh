#!/usr/bin/env bash
# tools.sh [--keep FOLDER | --judge FOLDER]   real attack tools (ffuf, gobuster, wapiti, sqlmap, hydra, slowhttptest) and
# benign clients against a real NGINX, all inside a network namespace; fails below the floors of evaluation/tools.toml
#
# Takes four minutes and prints a table: who was caught, by which name, after how many requests, and who was left alone.
# --keep leaves the log, a truth file and what every client printed in FOLDER; --judge judges such a folder anew.
# Needs root, for the namespaces; asks sudo where it may.
set -euo pipefail
. "$(dirname "$0")/env.sh"

case "$#:${1:-}" in
0: | 2:--keep | 2:--judge) ;;
*) echo "usage: $0 [--keep FOLDER | --judge FOLDER]" >&2; exit 2 ;;
esac
folder=${2:+$(realpath -m -- "$2")}
cd "$PORTCULLIS_ROOT"

scripts/setup.sh tools
# The tests' build: decisions are the same bits at every optimisation, and it is there already.
cargo test -q --workspace --locked --no-run
program=("$CARGO_TARGET_DIR/debug/examples/tools" ${1:+"$1" "$folder"})
if [ "$(id -u)" = 0 ] || [ "${1:-}" = --judge ]; then
  exec "${program[@]}"
elif sudo -n true 2>/dev/null; then
  exec sudo -n env "PATH=$PATH" "${program[@]}"
else
  echo "tools: network namespaces need root: run this as root, or allow sudo without a password" >&2
  exit 2
fi
