#!/usr/bin/env bash
# fuzz.sh [SECONDS]            runs every fuzz target for SECONDS (20), on the stable toolchain; does nothing without a fuzz folder
# fuzz.sh --until-flat [FLAT [MOST [TARGET...]]]
#                              runs each target until it has reached no new edge for FLAT seconds (60) of the processor's time, for
#                              MOST (600) at most, and says what it came to
# fuzz.sh --measure [TARGET...]
#                              how long the inputs take that were found so far, how time grows with length, and which branches
#                              they reach (docs/fuzzing.md)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

[ -f fuzz/Cargo.toml ] || exit 0

usage() {
  sed -n '2,/^set/{/^#/s/^# //p}' "$0" >&2
  exit 2
}

number() {
  case $1 in '' | *[!0-9]*) usage ;; esac
}

mode=seconds
case ${1:-} in
--until-flat | --measure) mode=${1#--} && shift ;;
-*) usage ;;
esac

# The sanitizer's flags are unstable ones; this lets the stable compiler take them. It is set here and nowhere else.
export RUSTC_BOOTSTRAP=1
# Other flags than the rest of the workspace: a folder of its own, so that neither rebuilds the other.
export CARGO_TARGET_DIR=$PORTCULLIS_CACHE/fuzz-target
forget_other_checkouts "$CARGO_TARGET_DIR"

# A corpus found here is kept in the cache; the repository holds only the seeds.
corpora=$PORTCULLIS_CACHE/fuzz-corpus
findings=$PORTCULLIS_CACHE/fuzz-findings

# Runs one target with further options of libFuzzer's.
fuzz() {
  local target=$1 seeds=()
  shift
  mkdir -p "$corpora/$target" "$findings/$target"
  [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
  # Our code is safe Rust: what is looked for are panics, hangs and memory, which need no sanitizer. With one, the C
  # libraries that dependencies build would be compiled for it and their own build's checks would no longer link.
  cargo fuzz run --sanitizer none --fuzz-dir fuzz "$target" "$corpora/$target" "${seeds[@]}" -- \
    -artifact_prefix="$findings/$target/" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 "$@" </dev/null
}

# Runs one target until its edges stay the same, and prints one row of a table. libFuzzer itself only knows how to stop after a
# time, so that it is watched: `cov:` counts the edges that any input has reached. Time is the processor's: on a machine that is
# busy with something else a minute by the clock may be a second of fuzzing.
until_flat() {
  local target=$1 flat=$2 most=$3 line edges=0 features=0 since=0 begun= now log=$findings/$1.log reason= status=0 runs
  mkdir -p "$findings"
  cargo fuzz build --sanitizer none --fuzz-dir fuzz "$target" >"$log" 2>&1
  # Of its own process group, so that it can be ended without ending us.
  set -m
  fuzz "$target" -max_total_time=$((most * 10)) >>"$log" 2>&1 &
  local fuzzer=$!
  set +m
  while kill -0 "$fuzzer" 2>/dev/null; do
    sleep 1
    # What was found before is read first.
    grep -aq 'INITED' "$log" || continue
    now=$(processor_secs "$fuzzer")
    [ -n "$begun" ] || begun=$now since=$now
    line=$(grep -a ' cov: ' "$log" | tail -n 1)
    line=${line#* cov: }
    if [ "${line%% *}" -gt "$edges" ]; then edges=${line%% *} since=$now; fi
    line=${line#* ft: }
    features=${line%% *}
    if [ $((now - since)) -ge "$flat" ]; then
      reason="no new edge for $flat s"
    elif [ $((now - begun)) -ge "$most" ]; then
      reason="after $most s; last new edge $((now - since)) s before"
    else
      continue
    fi
    kill -INT -- "-$fuzzer" 2>/dev/null || true
    break
  done
  wait "$fuzzer" || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  if [ -z "$reason" ]; then
    if [ "$status" = 0 ]; then reason="after $((most * 10)) s by the clock"; else reason="BROKEN, see $log"; fi
  fi
  echo "| \`$target\` | ${runs:-?} | $edges | $features | $((now - begun)) | $reason |"
  case $reason in BROKEN*) return 1 ;; esac
}

# Seconds that a process group has had of the processor.
processor_secs() {
  ps -eo pgid=,cputimes= | awk -v group="$1" '$1 == group { sum += $2 } END { print sum + 0 }'
}

# Builds the program that reads corpora with a clock, as fast as what ships, and once more with counters at every branch.
measure() {
  local folder=fuzz/seeds
  cargo run --quiet --manifest-path fuzz/Cargo.toml --profile measure --example measure -- "$corpora" "$folder" "$@"
  branches "$@"
}

# Which branches the inputs reach, by LLVM's counters; needs the tools of the compiler's own version.
branches() {
  local tools counters
  tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
  if [ ! -x "$tools/llvm-cov" ]; then
    echo "no branches: \`rustup component add llvm-tools\` first" >&2
    return 0
  fi
  counters=$(mktemp -d)
  RUSTFLAGS="-Cinstrument-coverage -Zcoverage-options=branch" \
    cargo build --quiet --manifest-path fuzz/Cargo.toml --profile measure --example measure --target-dir "$CARGO_TARGET_DIR/branches"
  local program=$CARGO_TARGET_DIR/branches/measure/examples/measure target
  echo
  echo '| target | branches taken | of those in the functions reached | share |'
  echo '|---|---|---|---|'
  for target in "$@"; do
    LLVM_PROFILE_FILE=$counters/$target.profraw "$program" --once "$corpora" fuzz/seeds "$target"
    "$tools/llvm-profdata" merge -sparse "$counters/$target.profraw" -o "$counters/$target.profdata"
    "$tools/llvm-cov" export "$program" -instr-profile="$counters/$target.profdata" -skip-expansions >"$counters/$target.json"
    python3 fuzz/branches.py "$target" "$counters/$target.json" "$PORTCULLIS_ROOT"
    rm -f "$counters/$target".*
  done
  rm -rf "$counters"
}

known=$(cargo fuzz list --fuzz-dir fuzz)
case $mode in
seconds)
  seconds=${1:-20}
  number "$seconds"
  for target in $known; do
    echo "fuzzing $target for $seconds s; what breaks it is kept in $findings/$target"
    fuzz "$target" -max_total_time="$seconds" -verbosity=0
  done
  ;;
until-flat)
  flat=${1:-60} most=${2:-600}
  number "$flat" && number "$most"
  shift $(($# < 2 ? $# : 2))
  targets=${*:-$known} failed=0
  echo '| target | inputs tried | edges | edges with counts | processor seconds | why it ended |'
  echo '|---|---|---|---|---|---|'
  for target in $targets; do until_flat "$target" "$flat" "$most" || failed=1; done
  exit "$failed"
  ;;
measure)
  # shellcheck disable=SC2086 # names without spaces
  measure ${*:-$known}
  ;;
esac
