#!/usr/bin/env bash
# bench-formats.sh     what reading a line costs in every format: nanoseconds of CPU and allocations
#
# Prints the table of docs/speed.md, as median and range of five interleaved runs. Fails when a format takes
# memory for an ordinary line that is promised to need none.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

cargo build -q --release --locked -p portcullis-ingest --example formats_cost
"$CARGO_TARGET_DIR/release/examples/formats_cost"
printf '\nmedian and range of five interleaved runs; %s\n' "$(scripts/measure.py machine)"
