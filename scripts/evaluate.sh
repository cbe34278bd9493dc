#!/usr/bin/env bash
# evaluate.sh DATA [OPTION]...   judges the decisions on the labelled logs in DATA, alerts on a peer's test cases, and the search
# for attack payloads on its sets of payloads, what is read of the lines of other projects' test suites, and the decisions once more
# with every name in the logs hidden; fails below evaluation/floors.toml, evaluation/blind.toml, evaluation/cases.toml,
# evaluation/payloads.toml, evaluation/conformance.toml
#
# Prints precision, recall and requests to detection with exact intervals, per log and pooled. Further options go to
# `portcullis evaluate`: --names says who was missed, --output json is for programs. Figures as a table (figures.txt) and as
# JSON Lines (figures.jsonl), and plots as SVG, go to a folder that is named at the end: EVALUATION_OUT, or one beside the
# build's outputs. They name addresses of the logs: keep them where the logs are kept.
set -euo pipefail
. "$(dirname "$0")/env.sh"

[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 DATA [OPTION]...   DATA is the folder of the labelled logs" >&2; exit 2; }
data=$(cd "$1" && pwd)
shift
out=${EVALUATION_OUT:-$CARGO_TARGET_DIR/evaluation}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$PORTCULLIS_ROOT"

# The tests' build: decisions are the same bits at every optimisation, and it is there already.
cargo test -q --workspace --locked --no-run
evaluate() {
  "$CARGO_TARGET_DIR/debug/portcullis" evaluate --suite evaluation/floors.toml --data "$data" "$@"
}
failed=0
# On standard error: the decisions' figures may be JSON for a program.
"$CARGO_TARGET_DIR/debug/examples/payloads" "$data" >&2 || failed=1
"$CARGO_TARGET_DIR/debug/examples/cases" "$data" >"$out/cases.txt" || failed=1
cat "$out/cases.txt" >&2
"$CARGO_TARGET_DIR/debug/examples/conformance" "$data" >"$out/conformance.txt" || failed=1
cat "$out/conformance.txt" >&2
evaluate "$@" || failed=1
# The same logs with their names hidden: only behaviour is left. The copies go when they are judged.
blind=$(mktemp -d)
trap 'rm -rf "$blind"' EXIT
"$CARGO_TARGET_DIR/debug/examples/blind" evaluation/floors.toml "$data" "$blind"
for names in tokens words; do
  echo "with $names for names:" >&2
  "$CARGO_TARGET_DIR/debug/portcullis" evaluate --suite evaluation/blind.toml --data "$blind/$names" >"$out/blind-$names.txt" || failed=1
  sed -n '/^pooled/,$p' "$out/blind-$names.txt" | head -6 >&2
done
# Falling below a floor was said above, and fails at the end.
evaluate --names --plots "$out" >"$out/figures.txt" 2>"$out/messages.txt" || failed=1
evaluate --names --output json >"$out/figures.jsonl" 2>>"$out/messages.txt" || failed=1
echo "figures and plots are in $out" >&2
exit "$failed"
