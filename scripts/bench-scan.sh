#!/usr/bin/env bash
# bench-scan.sh [LINES]     scan beside GoAccess on the same simulated log (a million lines), in interleaved runs
#
# Prints CPU seconds, lines per CPU second and the most memory held, as median and range of the runs, with versions and
# machine. Fails when scan handles fewer than 8 times GoAccess's lines per CPU second. Needs Debian's goaccess.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

lines=${1:-1000000}
case $lines in '' | *[!0-9]*) echo "usage: $0 [LINES]" >&2; exit 2 ;; esac
runs=5
ratio_min=8

command -v goaccess >/dev/null || { echo "bench-scan: goaccess is missing: apt-get install goaccess" >&2; exit 2; }
cargo build -q --release --locked -p portcullis
portcullis=$CARGO_TARGET_DIR/release/portcullis

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/access.log
"$portcullis" simulate --scenario million --seed 1 --requests "$lines" --format nginx_combined >"$log"

# measure COMMAND...: CPU seconds and mebibytes at the peak, of one run. Python is there wherever the tests run.
measure() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode:
    sys.exit(f"bench-scan: {sys.argv[1]} exited with {done.returncode}")
print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss / 1024:.0f}")
PYTHON
}

# Interleaved: what else the machine does in between meets both.
for _ in $(seq "$runs"); do
  measure "$portcullis" scan --output json "$log" >>"$folder/portcullis"
  measure goaccess "$log" --log-format=COMBINED --no-global-config --no-progress --output "$folder/report.json" >>"$folder/goaccess"
done

status=0
python3 - "$folder" "$lines" "$ratio_min" <<'PYTHON' || status=$?
import statistics, sys
folder, lines, ratio_min = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rate = {}
print(f"{'':<12} {'CPU seconds':>24} {'lines per CPU second':>32} {'peak MiB':>10}")
for name in ("portcullis", "goaccess"):
    runs = [tuple(map(float, line.split())) for line in open(f"{folder}/{name}")]
    cpu = sorted(run[0] for run in runs)
    middle = statistics.median(cpu)
    rate[name] = lines / middle
    seconds = f"{middle:.2f} [{cpu[0]:.2f}, {cpu[-1]:.2f}]"
    rates = f"{lines / middle:,.0f} [{lines / cpu[-1]:,.0f}, {lines / cpu[0]:,.0f}]"
    print(f"{name:<12} {seconds:>24} {rates:>32} {max(run[1] for run in runs):>10.0f}")
ratio = rate["portcullis"] / rate["goaccess"]
print(f"\nscan handles {ratio:.1f} times GoAccess's lines per CPU second; at least {ratio_min:g} are required")
sys.exit(ratio < ratio_min)
PYTHON

printf '%s lines, median and range of %s interleaved runs; %s; %s; %s x %s\n' "$lines" "$runs" \
  "$("$portcullis" --version)" "$(goaccess --version | head -n 1 | tr -d '\r')" "$(nproc)" \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
exit $status
