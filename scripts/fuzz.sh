#!/usr/bin/env bash
# fuzz.sh [SECONDS]     runs every fuzz target for SECONDS (20), on the stable toolchain; does nothing without a fuzz folder
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

[ -f fuzz/Cargo.toml ] || exit 0
seconds=${1:-20}
case $seconds in '' | *[!0-9]*) echo "usage: $0 [SECONDS]" >&2; exit 2 ;; esac

# The sanitizer's flags are unstable ones; this lets the stable compiler take them. It is set here and nowhere else.
export RUSTC_BOOTSTRAP=1
# Other flags than the rest of the workspace: a folder of its own, so that neither rebuilds the other.
export CARGO_TARGET_DIR=$PORTCULLIS_CACHE/fuzz-target
forget_other_checkouts "$CARGO_TARGET_DIR"

targets=$(cargo fuzz list --fuzz-dir fuzz)
for target in $targets; do
  # A corpus found here is kept in the cache; the repository holds only the seeds.
  corpus=$PORTCULLIS_CACHE/fuzz-corpus/$target
  found=$PORTCULLIS_CACHE/fuzz-findings/$target
  mkdir -p "$corpus" "$found"
  seeds=()
  [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
  echo "fuzzing $target for $seconds s; what breaks it is kept in $found"
  # Our code is safe Rust: what is looked for are panics, hangs and memory, which need no sanitizer. With one, the C
  # libraries that dependencies build would be compiled for it and their own build's checks would no longer link.
  cargo fuzz run --sanitizer none --fuzz-dir fuzz "$target" "$corpus" "${seeds[@]}" -- \
    -artifact_prefix="$found/" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 </dev/null
done
