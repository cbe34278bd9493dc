# Where build outputs and downloaded test tools live. Sourced by the Makefile's recipes, .ci/run and the other scripts.
#
# They go to a folder that outlives the checkout, so that a fresh clone builds warm. A CARGO_TARGET_DIR
# that is already set is respected; where the cache folder cannot be written, ./target is used.
# Sets: PORTCULLIS_ROOT (the checkout), PORTCULLIS_CACHE, CARGO_TARGET_DIR, KAFKA_JARS, PATH.

PORTCULLIS_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PORTCULLIS_CACHE=${PORTCULLIS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/portcullis}

if ! { mkdir -p "$PORTCULLIS_CACHE" && [ -w "$PORTCULLIS_CACHE" ]; } 2>/dev/null; then
  PORTCULLIS_CACHE=$PORTCULLIS_ROOT/target/cache
  CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PORTCULLIS_ROOT/target}
  mkdir -p "$PORTCULLIS_CACHE"
fi

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PORTCULLIS_CACHE/target}
KAFKA_JARS=${KAFKA_JARS:-$PORTCULLIS_CACHE/kafka-jars}
# Root's daemons (nginx, rsyslogd) live in sbin, which an ordinary user's PATH leaves out.
PATH=$PATH:$PORTCULLIS_CACHE/tools/bin:/usr/sbin:/sbin
if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
  PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
fi
export PORTCULLIS_ROOT PORTCULLIS_CACHE CARGO_TARGET_DIR KAFKA_JARS PATH

# Cargo tells fresh crates by their files' times, and knows this project's crates by their path within the checkout. What
# another checkout built would pass for ours whenever its files are newer: it is forgotten when the checkout changes.
forget_other_checkouts() {
  local target=$1 last=""
  [ -d "$target" ] || return 0
  [ ! -f "$target/checkout" ] || last=$(cat "$target/checkout")
  [ "$last" != "$PORTCULLIS_ROOT" ] || return 0
  rm -rf "$target"/*/.fingerprint/portcullis-* "$target"/*/*/.fingerprint/portcullis-*
  printf '%s\n' "$PORTCULLIS_ROOT" >"$target/checkout"
}
mkdir -p "$CARGO_TARGET_DIR"
forget_other_checkouts "$CARGO_TARGET_DIR"
