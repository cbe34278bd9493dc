#!/usr/bin/env bash
# release.sh [-p PACKAGE --example NAME]     the release binary, optimised for what it does most, or an example beside it
#
# Guided by a profile (docs/adr/0037): a binary that counts is built first and reads simulated logs in several formats; the compiler
# then lays the second one out by what was counted. Takes twice the time of an ordinary release build, and gives a tenth more
# lines per CPU second. Prints where the binary is. Needs LLVM's tools of the very compiler, which rustup brings.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

# Neither scenario, seed nor length is one that the benchmarks measure with.
formats=(nginx_combined nginx_json envoy_json caddy_json)
lines=100000
seed=4711

target=$CARGO_TARGET_DIR/guided
counting=$CARGO_TARGET_DIR/counting
profile=$target/profile.profdata
wanted=(-p portcullis)
[ $# = 0 ] || wanted=("$@")

llvm_profdata() {
  local found
  found=$(compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/llvm-profdata" | head -n 1) || true
  if [ -z "$found" ]; then
    command -v rustup >/dev/null || { echo "release: llvm-profdata of this compiler is missing, and no rustup here to bring it" >&2; exit 2; }
    rustup -q component add llvm-tools >&2
    found=$(compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/llvm-profdata" | head -n 1)
  fi
  printf '%s\n' "$found"
}

# What the profile depends on: the compiler, and the code that reads and judges lines as it is here. The compiler itself tells a
# function that has changed since, and leaves it as it is.
state() {
  rustc -vV
  git ls-files -co --exclude-standard -- domain ingest detector models | sort | xargs -d '\n' cat | sha256sum
}

count() {
  local profdata counts=$counting/counts format
  profdata=$(llvm_profdata)
  echo "release: building the binary that counts" >&2
  RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-generate=$counts" CARGO_TARGET_DIR=$counting cargo build -q --release --locked -p portcullis
  # Compiling counts too, in build scripts and macros.
  rm -rf "$counts"
  for format in "${formats[@]}"; do
    echo "release: reading $lines lines of $format" >&2
    "$counting/release/portcullis" simulate --scenario mixed --seed "$seed" --requests "$lines" --format "$format" >"$counting/access.log"
    "$counting/release/portcullis" scan --output json "$counting/access.log" >/dev/null 2>&1
  done
  mkdir -p "$target"
  "$profdata" merge --sparse -o "$profile" "$counts"/*.profraw
  rm -rf "$counts" "$counting/access.log"
  state >"$profile.state"
}

if [ ! -f "$profile" ] || [ "$(state)" != "$(cat "$profile.state" 2>/dev/null)" ]; then
  count
fi
echo "release: building the binary" >&2
RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-use=$profile" CARGO_TARGET_DIR=$target cargo build -q --release --locked "${wanted[@]}"
if [ $# = 0 ]; then echo "$target/release/portcullis"; else echo "$target/release/examples/${*: -1}"; fi
