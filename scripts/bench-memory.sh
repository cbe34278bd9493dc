#!/usr/bin/env bash
# bench-memory.sh [MILLIONS]     the most memory held after a fifth, a half and all of ten million lines by a million addresses
#
# Measured are `portcullis scan`, and `portcullis run` following the same file, both with room for 100,000 clients, which is
# reached within the first fifth: what is held must not grow by more than a tenth from then on, and by the length of the report
# that scan holds until its end. And `scan` with room for all of them, where a remembered client may take no more than 1,024 bytes. Needs 250 MB on the disk for each million lines, and python3.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

millions=${1:-10}
case $millions in '' | *[!0-9]*) echo "usage: $0 [MILLIONS]" >&2; exit 2 ;; esac
profile=${BENCH_PROFILE:-release}
case $profile in
release) portcullis=$(scripts/release.sh) ;;
dev) cargo build -q --locked -p portcullis && portcullis=$CARGO_TARGET_DIR/debug/portcullis ;;
*) echo "bench-memory: unknown profile $profile" >&2; exit 2 ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$portcullis" simulate --scenario crowd --seed 1 --requests "${millions}000000" --format nginx_combined >"$folder/access.log"

status=0
python3 -B scripts/bench_memory.py "$portcullis" "$folder" "${millions}000000" || status=$?
printf '%s build; %s; %s\n' "$profile" "$("$portcullis" --version)" "$(scripts/measure.py machine)"
exit $status
