#!/usr/bin/env bash
# experiment.sh [OPTION]...   what the detection of a commit is worth on simulated traffic whose seeds and parameters are drawn from
# the commit's name: recall by kind and way beside the goals, innocents acted on and their causes, more and more attackers, a
# poisoned week, sixty days. Options go to tests/examples/experiment: --commit NAME (HEAD), --long REQUESTS, --anyway.
#
# Takes minutes. The report is printed and written to the folder that is named at the end.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"
out=${EVALUATION_OUT:-$CARGO_TARGET_DIR/evaluation}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# The tests' build, as in evaluate.sh.
cargo test -q --workspace --locked --no-run
"$CARGO_TARGET_DIR/debug/examples/experiment" "$@" | tee "$out/experiment.md"
echo "the report is $out/experiment.md" >&2
