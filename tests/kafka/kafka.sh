#!/usr/bin/env bash
# A real Apache Kafka broker (KRaft, one node) on 127.0.0.1, for tests.
#
#   kafka.sh fetch                     download the broker's jars once (Maven Central)
#   kafka.sh prepare DIR [PORT]...     write DIR/server.properties, certificates, clients/*.conf, and format DIR/data
#   kafka.sh serve DIR                 run what was prepared, in the foreground
#   kafka.sh start DIR [PORT]...       fetch, prepare unless DIR was prepared before, run in the background until ready
#   kafka.sh stop DIR
#
# PORTs: plaintext, controller, SCRAM, TLS, SCRAM over TLS, tokens (19092 to 19097 by default).
# DIR/clients/{plaintext,scram,tls,scram_tls,token}.conf are librdkafka properties: `kcat -F DIR/clients/tls.conf -L`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=${KAFKA_JARS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/portcullis/kafka-jars}
version=$(sed -n 's#.*<kafka.version>\(.*\)</kafka.version>.*#\1#p' "$here/pom.xml")
action=${1:-}

usage() { sed -n '3,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

fail() { printf 'kafka.sh: %s\n' "$*" >&2; exit 1; }

require() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: scripts/setup.sh test installs it"
}

# The jars land in a folder beside the final one and are renamed into place, so that a half download is never used.
fetch() {
  [ -f "$jars/complete-$version" ] && return
  require mvn
  mkdir -p "$(dirname "$jars")"
  exec 9>"$jars.lock"
  flock 9
  [ -f "$jars/complete-$version" ] && return
  local fresh
  fresh=$(mktemp -d "$jars.XXXXXX")
  echo "kafka.sh: fetching Apache Kafka $version from Maven Central" >&2
  mvn -q -B -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$fresh" </dev/null >&2 \
    || { rm -rf "$fresh"; fail "the broker's jars could not be fetched: is Maven Central reachable?"; }
  touch "$fresh/complete-$version"
  rm -rf "$jars"
  mv "$fresh" "$jars"
}

# Little memory and the quick compiler only: the broker should be up soon, not fast for long.
java_options=(-Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Djava.awt.headless=true
  "-Dlog4j2.configurationFile=$here/log4j2.properties")

run_java() { java "${java_options[@]}" -cp "$jars/*" "$@"; }

make_certificates() {
  local tls=$1
  mkdir -p "$tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=Portcullis test CA" \
    -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=127.0.0.1" \
    -keyout "$tls/broker.key" -out "$tls/broker.csr" 2>/dev/null
  openssl x509 -req -in "$tls/broker.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") -out "$tls/broker.crt" 2>/dev/null
  # Kafka reads key and certificate chain from one PEM file.
  cat "$tls/broker.key" "$tls/broker.crt" >"$tls/broker.pem"
}

write_client() {
  local file=$1
  shift
  printf '%s\n' "$@" >"$file"
}

make_clients() {
  local dir=$1 password=$2 scram tls
  scram=(sasl.mechanisms=SCRAM-SHA-512 sasl.username=portcullis "sasl.password=$password")
  tls=("ssl.ca.location=$dir/tls/ca.pem")
  mkdir -p "$dir/clients"
  write_client "$dir/clients/plaintext.conf" "bootstrap.servers=127.0.0.1:$plaintext" security.protocol=plaintext
  write_client "$dir/clients/scram.conf" "bootstrap.servers=127.0.0.1:$scram_port" security.protocol=sasl_plaintext "${scram[@]}"
  write_client "$dir/clients/tls.conf" "bootstrap.servers=127.0.0.1:$tls_port" security.protocol=ssl "${tls[@]}"
  write_client "$dir/clients/scram_tls.conf" "bootstrap.servers=127.0.0.1:$scram_tls" security.protocol=sasl_ssl "${scram[@]}" "${tls[@]}"
  # The client brings the token.
  write_client "$dir/clients/token.conf" "bootstrap.servers=127.0.0.1:$token" security.protocol=sasl_plaintext \
    sasl.mechanisms=OAUTHBEARER
}

prepare() {
  local dir=$1 password id
  shift
  plaintext=${1:-19092} controller=${2:-19093} scram_port=${3:-19094} tls_port=${4:-19095} scram_tls=${5:-19096} token=${6:-19097}
  require java
  require openssl
  [ -f "$jars/complete-$version" ] || fail "no Kafka jars in $jars: scripts/setup.sh test fetches them"
  mkdir -p "$dir"
  password=$(openssl rand -hex 16)
  make_certificates "$dir/tls"
  make_clients "$dir" "$password"
  sed -e "s#@PLAINTEXT@#$plaintext#g; s#@CONTROLLER@#$controller#g; s#@SCRAM@#$scram_port#g" \
    -e "s#@TLS@#$tls_port#g; s#@SCRAM_TLS@#$scram_tls#g; s#@TOKEN@#$token#g; s#@DIR@#$dir#g" \
    "$here/server.properties.in" >"$dir/server.properties"
  # A cluster id is 16 bytes in URL-safe base64; one that begins with a dash would be read as an option.
  id=A$(openssl rand -base64 16 | tr '+/' '-_' | cut -c2-22)
  run_java kafka.tools.StorageTool format --standalone -t "$id" -c "$dir/server.properties" \
    --add-scram "SCRAM-SHA-512=[name=portcullis,password=$password]" >"$dir/format.log" 2>&1 \
    || { tail -30 "$dir/format.log" >&2; fail "formatting $dir/data failed"; }
}

serve() {
  cd "$1"
  exec java "${java_options[@]}" -cp "$jars/*" kafka.Kafka "$1/server.properties"
}

# Half a second each: a minute on a machine that is busy with other things.
ready_polls_max=120

start() {
  local dir=$1
  require kcat
  fetch
  [ -f "$dir/data/meta.properties" ] || prepare "$@"
  nohup "${BASH_SOURCE[0]}" serve "$dir" >"$dir/kafka.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq "$ready_polls_max"); do
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -30 "$dir/kafka.log" >&2; fail "Kafka ended while starting"; }
    # It is up when it answers a metadata request, not when the port opens.
    if kcat -F "$dir/clients/plaintext.conf" -L -m 2 >/dev/null 2>&1; then
      sed -n 's/^bootstrap.servers=//p' "$dir/clients/plaintext.conf"
      return
    fi
    sleep 0.5
  done
  tail -30 "$dir/kafka.log" >&2
  stop "$dir"
  fail "Kafka did not answer in time"
}

stop() {
  local pid
  pid=$(cat "$1/pid")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 60); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.5
  done
  kill -9 "$pid"
}

if [ "$action" = fetch ]; then
  fetch
  exit
fi
[ $# -ge 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $action in
prepare) prepare "$dir" "${@:3}" ;;
serve) serve "$dir" ;;
start) start "$dir" "${@:3}" ;;
stop) stop "$dir" ;;
*) usage ;;
esac
