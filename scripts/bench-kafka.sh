#!/usr/bin/env bash
# bench-kafka.sh [LINES]     the whole service on a Kafka topic beside a bare consumer, in interleaved runs
#
# Two topics hold the same simulated NGINX lines (a million): one line a message, and a hundred. Prints CPU per line of
# `portcullis run`, everything on, and of a librdkafka consumer that only polls, as median and range of five interleaved runs.
# What the service spends on starting, measured over an empty topic, is taken off. Fails when at one line a message the service
# handles fewer than half the bare consumer's lines per CPU second, or spends more than 1.1 microseconds of CPU on a line at
# a hundred lines a message. BENCH_PROFILE=dev tries the script itself with a debug build. Needs kcat and java.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

lines=${1:-1000000}
case $lines in '' | *[!0-9]*) echo "usage: $0 [LINES]" >&2; exit 2 ;; esac
runs=5
share_min=0.5
micros_max=1.1
batch=100

profile=${BENCH_PROFILE:-release}
for tool in kcat java curl python3; do
  command -v "$tool" >/dev/null || { echo "bench-kafka: $tool is missing: scripts/setup.sh test installs it" >&2; exit 2; }
done
case $profile in
release) portcullis=$(scripts/release.sh) ;;
dev) cargo build -q --locked -p portcullis && portcullis=$CARGO_TARGET_DIR/debug/portcullis ;;
*) echo "bench-kafka: unknown profile $profile" >&2; exit 2 ;;
esac
cargo build -q --release --locked -p portcullis-ingest --example kafka_poll
bare=$CARGO_TARGET_DIR/release/examples/kafka_poll

folder=$(mktemp -d)
service=
finish() {
  [ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true
  [ ! -f "$folder/kafka/pid" ] || tests/kafka/kafka.sh stop "$folder/kafka" || true
  rm -rf "$folder"
}
trap finish EXIT

# Ports that nobody listens on now: six for the broker, one for the service.
read -r -a ports <<<"$(python3 - <<'PYTHON'
import socket
held = [socket.socket() for _ in range(7)]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PYTHON
)"
broker=$(tests/kafka/kafka.sh start "$folder/kafka" "${ports[@]:0:6}")
address=127.0.0.1:${ports[6]}

"$portcullis" simulate --scenario million --seed 1 --requests "$lines" --format nginx_combined >"$folder/access.log"
conf=$folder/kafka/clients/plaintext.conf
topic() { kcat -F "$conf" -P -t "$1" "${@:2}" -X queue.buffering.max.messages=1000000 -X linger.ms=50 2>/dev/null; }
# The broker makes a topic when it is asked about it: before the first write, which it might lose.
for name in single batched empty; do
  for _ in $(seq 100); do
    kcat -F "$conf" -L -t "$name" | grep -q 'with 4 partitions' && continue 2
    sleep 0.1
  done
  echo "bench-kafka: the broker made no topic $name" >&2
  exit 1
done
# All in one partition: the service reads the lines in their order, as it would from one gateway.
topic single -p 0 -l "$folder/access.log"
# A record separator between messages, which no line holds.
awk -v n=$batch 'NR > 1 && NR % n == 1 { printf "\036" } { print }' "$folder/access.log" >"$folder/batched.log"
topic batched -p 0 -D '\x1e' -l "$folder/batched.log"
messages_batched=$(((lines + batch - 1) / batch))

# CPU seconds of a process so far.
cpu() { awk '{ sub(/.*\) /, ""); print ($12 + $13) / 100 }' "/proc/$1/stat"; }
metric() { curl -sf --max-time 10 "http://$address/metrics" | awk -v name="portcullis_$1" '$1 == name { print $2 }'; }

# serve TOPIC LINES: the service's CPU seconds from its start until it has read so many lines.
serve() {
  local run=$folder/run seen
  rm -rf "$run"
  mkdir -p "$run"
  cat >"$run/portcullis.toml" <<TOML
[kafka]
brokers = ["$broker"]
group = "bench-$1-$RANDOM$RANDOM"
start = "earliest"
[[kafka.topics]]
name = "$1"
[storage]
url = "sqlite://$run/portcullis.db"
checkpoints = "file://$run/checkpoints"
[[api.listeners]]
address = "$address"
TOML
  "$portcullis" run --config "$run/portcullis.toml" >"$run/log" 2>&1 &
  service=$!
  for _ in $(seq 3000); do
    kill -0 "$service" 2>/dev/null || { tail -n 20 "$run/log" >&2; echo "bench-kafka: the service ended" >&2; exit 1; }
    seen=$(metric 'requests_total' || true)
    # Over the empty topic it is there when it has its partition.
    if [ "$2" = 0 ]; then
      [ "$(metric 'kafka_topic_partitions{topic="empty"}' || true)" != 4 ] || break
    elif [ -n "$seen" ] && [ "$(printf '%.0f' "$seen")" -ge "$2" ]; then
      break
    fi
    sleep 0.1
  done
  cpu "$service"
  [ "$2" = 0 ] || [ "$(printf '%.0f' "$seen")" -ge "$2" ] || { echo "bench-kafka: $seen of $2 lines were read" >&2; exit 1; }
  kill -TERM "$service"
  wait "$service" || { echo "bench-kafka: the service failed" >&2; exit 1; }
  service=
}

# Interleaved: what else the machine does in between meets all.
for _ in $(seq "$runs"); do
  serve empty 0 >"$folder/one" && cat "$folder/one" >>"$folder/start"
  serve single "$lines" >"$folder/one" && cat "$folder/one" >>"$folder/service-single"
  "$bare" "$broker" single "$lines" >>"$folder/bare-single"
  serve batched "$lines" >"$folder/one" && cat "$folder/one" >>"$folder/service-batched"
  "$bare" "$broker" batched "$messages_batched" >>"$folder/bare-batched"
done

status=0
python3 - "$folder" "$lines" "$share_min" "$micros_max" <<'PYTHON' || status=$?
import statistics, sys
folder, lines, share_min, micros_max = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
def runs(name):
    return [float(line.split()[0]) for line in open(f"{folder}/{name}")]
start = statistics.median(runs("start"))
print(f"starting takes {start:.2f} CPU seconds [{min(runs('start')):.2f}, {max(runs('start')):.2f}], taken off below")
print(f"{'':<28} {'CPU seconds':>22} {'microseconds a line':>26}")
micros = {}
for name, title in (("service-single", "portcullis, 1 line"), ("bare-single", "bare consumer, 1 line"),
                    ("service-batched", "portcullis, 100 lines"), ("bare-batched", "bare consumer, 100 lines")):
    off = start if name.startswith("service") else 0.0
    cpu = sorted(run - off for run in runs(name))
    middle = statistics.median(cpu)
    each = [value / lines * 1e6 for value in (middle, cpu[0], cpu[-1])]
    micros[name] = each[0]
    seconds = f"{middle:.2f} [{cpu[0]:.2f}, {cpu[-1]:.2f}]"
    print(f"{title:<28} {seconds:>22} {f'{each[0]:.3f} [{each[1]:.3f}, {each[2]:.3f}]':>26}")
share = micros["bare-single"] / micros["service-single"]
batched = micros["service-batched"]
print(f"\nat one line a message: {share:.2f} of the bare consumer's lines per CPU second; at least {share_min:g} is required")
print(f"at 100 lines a message: {batched:.2f} microseconds of CPU a line; at most {micros_max:g} is allowed")
sys.exit(share < share_min or batched > micros_max)
PYTHON

printf '%s lines, median and range of %s interleaved runs, %s build; %s; Kafka %s; %s x %s\n' "$lines" "$runs" "$profile" \
  "$("$portcullis" --version)" "$(sed -n 's#.*<kafka.version>\(.*\)</kafka.version>.*#\1#p' tests/kafka/pom.xml)" "$(nproc)" \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
exit $status
