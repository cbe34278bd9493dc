#!/usr/bin/env bash
# bench-scan.sh [LINES]     scan, and parsing alone, beside GoAccess and fail2ban-regex on the same simulated log (a million lines)
#
# Prints CPU seconds, CPU a line, lines per CPU second and the most memory held, as median and range of five interleaved runs;
# how long attackers went on until the last of those runs of scan told of them, by the simulation's truth; and instructions a line
# by callgrind, which counts the same on a busy machine. fail2ban-regex reads the first 100,000 lines with Debian's filter
# nginx-botsearch: rates are per line. Fails when scan handles fewer than 8 times GoAccess's lines per CPU second.
# Needs Debian's goaccess, fail2ban and valgrind.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

lines=${1:-1000000}
case $lines in '' | *[!0-9]*) echo "usage: $0 [LINES]" >&2; exit 2 ;; esac
runs=5
lines_fail2ban=$((lines < 100000 ? lines : 100000))
lines_callgrind=20000

for tool in goaccess fail2ban-regex valgrind python3; do
  command -v "$tool" >/dev/null || { echo "bench-scan: $tool is missing: scripts/setup.sh bench installs it" >&2; exit 2; }
done
portcullis=$(scripts/release.sh)
parse=$(scripts/release.sh -p portcullis-ingest --example parse_only)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/access.log
"$portcullis" simulate --scenario million --seed 1 --requests "$lines" --format nginx_combined --truth "$folder/truth.csv" >"$log"
head -n "$lines_fail2ban" "$log" >"$folder/short.log"

measure() { scripts/measure.py run "$@"; }
# Interleaved: what else the machine does in between meets all.
for _ in $(seq "$runs"); do
  measure "$folder/scan.json" "$portcullis" scan --output json "$log" >>"$folder/scan"
  measure /dev/null "$parse" "$log" >>"$folder/parse"
  measure /dev/null goaccess "$log" --log-format=COMBINED --no-global-config --no-progress --output "$folder/report.json" >>"$folder/goaccess"
  measure /dev/null fail2ban-regex "$folder/short.log" nginx-botsearch >>"$folder/fail2ban"
done

# Two lengths: what starting takes is in both.
for length in "$lines_callgrind" $((2 * lines_callgrind)); do
  head -n "$length" "$log" >"$folder/callgrind.log"
  scripts/measure.py instructions "$portcullis" scan --output json "$folder/callgrind.log" >>"$folder/scan.instructions"
  scripts/measure.py instructions "$parse" "$folder/callgrind.log" >>"$folder/parse.instructions"
done

status=0
python3 -B scripts/bench_scan.py "$folder" "$lines" "$lines_fail2ban" "$lines_callgrind" || status=$?
printf '%s lines (fail2ban-regex: %s), median and range of %s interleaved runs; %s; %s; %s; %s\n' "$lines" "$lines_fail2ban" "$runs" \
  "$("$portcullis" --version)" "$(goaccess --version | head -n 1 | tr -d '\r')" "$(fail2ban-regex --version | head -n 1)" \
  "$(scripts/measure.py machine)"
exit $status
