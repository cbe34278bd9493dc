#!/usr/bin/env bash
# bench-effect.sh [RUNS]     how soon a decision holds at real gateways, and how soon it is gone when it is lifted
#
# From the order over the API to the first request that is refused (nine runs by default), and back. Fails when a gateway that is told
# or that asks for each request takes more than a second, or NGINX, reloaded once a second at most, or a bouncer that polls once a second,
# more than that and a second.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

for tool in nginx haproxy envoy caddy nft redis-server crowdsec crowdsec-custom-bouncer; do
  command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] ||
    { echo "bench-effect: $tool is missing: scripts/setup.sh test installs it" >&2; exit 2; }
done
# The tests' build, which is optimised too: what is measured here waits for files, sockets and other programs.
cargo build -q --workspace --locked --bins --examples
status=0
"$CARGO_TARGET_DIR/debug/examples/effect" "${1:-9}" || status=$?
scripts/measure.py machine
exit $status
