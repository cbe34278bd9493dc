#!/usr/bin/env bash
# evaluate.sh DATA [OPTION]...   judges the decisions on the labelled logs in DATA, and the search for attack payloads on its
# sets of payloads; fails below evaluation/floors.toml and evaluation/payloads.toml
#
# Prints precision, recall and requests to detection with exact intervals, per log and pooled. Further options go to
# `portcullis evaluate`: --names says who was missed, --json is for programs.
set -euo pipefail
. "$(dirname "$0")/env.sh"

[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 DATA [OPTION]...   DATA is the folder of the labelled logs" >&2; exit 2; }
data=$(cd "$1" && pwd)
shift
cd "$PORTCULLIS_ROOT"

# The tests' build: decisions are the same bits at every optimisation, and it is there already.
cargo test -q --workspace --locked --no-run
failed=0
# On standard error: the decisions' figures may be JSON for a program.
"$CARGO_TARGET_DIR/debug/examples/payloads" "$data" >&2 || failed=1
"$CARGO_TARGET_DIR/debug/portcullis" evaluate --suite evaluation/floors.toml --data "$data" "$@" || failed=1
exit "$failed"
