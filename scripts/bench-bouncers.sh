#!/usr/bin/env bash
# bench-bouncers.sh [DECISIONS...]     gateways that ask, beside CrowdSec 1.4.6 at 10,000, 100,000 and a million decisions
#
# On the same machine in one run: lookups by bouncers that hit and miss, the whole list, a thousand bouncers that poll while a hundred
# decisions change a second; /check over HTTP and gRPC at 10,000 requests a second whether or not the answers come in time, at the largest of
# the sizes; and what asking adds to a request through a real NGINX and a real Envoy. CrowdSec runs with Debian's defaults, its log parsers
# and its makers' service left out. Fails when lookups are not flat, or fewer than 300 times CrowdSec's at 100,000 decisions, when the
# whole list is not 20 times as fast there, when a bouncer misses a change, and when an answer is wrong. Latencies are printed and fail
# nothing: they are the machine's as much as ours. Takes most of an hour, in which CrowdSec takes a million decisions in:
# BENCH_CROWDSEC_MAX=100000 leaves it out above that size.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

for tool in wrk crowdsec cscli nginx envoy python3; do
  command -v "$tool" >/dev/null || { echo "bench-bouncers: $tool is missing: scripts/setup.sh bench installs it" >&2; exit 2; }
done
profile=${BENCH_PROFILE:-guided}
case $profile in
guided) portcullis=$(scripts/release.sh) ;;
release) cargo build -q --release --locked -p portcullis && portcullis=$CARGO_TARGET_DIR/release/portcullis ;;
*) echo "bench-bouncers: unknown profile $profile" >&2; exit 2 ;;
esac
cargo build -q --release --locked -p portcullis-tests --example pace
pace=$CARGO_TARGET_DIR/release/examples/pace

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
python3 -B scripts/bench_bouncers.py "$portcullis" "$pace" "$folder" "${@:-10000}" $([ $# != 0 ] || echo 100000 1000000) || status=$?
printf '%s build; %s; CrowdSec %s; %s\n' "$profile" "$("$portcullis" --version)" \
  "$(crowdsec -version 2>&1 | sed -n 's/.*version: //p' | head -n 1)" "$(scripts/measure.py machine)"
exit $status
