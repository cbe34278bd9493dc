"""bench_bouncers.py PORTCULLIS PACE FOLDER DECISIONS...: gateways that ask, beside CrowdSec; see bench-bouncers.sh."""
import asyncio, gzip, http.client, json, os, random, re, shutil, signal, socket, sqlite3, statistics, subprocess, sys, time, urllib.request
from measure import percentile, spread

portcullis_binary, pace, folder, *sizes = sys.argv[1:]
sizes = sorted(int(size) for size in sizes)

# What is asked for at the size at which CrowdSec's own users have their lists.
COMPARED, LOOKUPS_MIN, STREAM_MIN = 100_000, 300, 20
# Flat: the slowest size against the fastest. Twice is what a busy machine does by itself.
FLAT_MAX = 2.0
RUNS, SECONDS, CONNECTIONS = 3, 4, 16
BOUNCERS, POLL_SECS, POLLS, CHANGES_A_SECOND = 1000, 10, 4, 100
CHECKS_A_SECOND, CHECK_SECS = 10_000, 15
HTTP_WARM_SECS = 2
# CrowdSec takes a million decisions in within half an hour: whoever has no time for that leaves it out above a size.
CROWDSEC_MAX = int(os.environ.get("BENCH_CROWDSEC_MAX", "0")) or max(sizes)
problems = []


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def address(number):
    """A public address that looks random, the same in every run, and its own for every number (a bijection on 28 bits)."""
    bits = number
    for factor in (0x9E3779B, 0x5BD1E99):
        bits = (bits * factor) & 0xFFFFFFF
        bits ^= bits >> 14
    value = 0x10000000 + bits
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def wait(what, ready, process, log, seconds=600):
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"bench-bouncers: {what} did not come up: " + open(log, errors="replace").read()[-2000:])
        time.sleep(0.05)


def answers(port, path="/health"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def cpu(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held(process):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


class Portcullis:
    """The service with so many decisions in its database, written there as the detector writes them."""

    name = "portcullis"

    def __init__(self, count):
        self.folder = f"{folder}/portcullis-{count}"
        os.makedirs(self.folder)
        self.database = f"{self.folder}/p.db"
        self.port = free_port()
        with open(f"{self.folder}/p.toml", "w") as config:
            config.write(f'[storage]\nurl = "sqlite:{self.database}"\ncheckpoints = "file:{self.folder}/c"\n'
                         f'[clients]\ntrusted_proxies = ["127.0.0.1"]\nprivate_clients = true\n'
                         f'[[api.listeners]]\naddress = "127.0.0.1:{self.port}"\n')
        self.count = 0
        self.start()
        self.key = self.make_key()
        self.stop()
        rows = sqlite3.connect(self.database)
        self.add(rows, [address(number) for number in range(count)], 48 * 3600)
        rows.close()
        began = time.monotonic()
        self.start()
        self.started_in = time.monotonic() - began

    def start(self):
        log = open(f"{self.folder}/log", "ab")
        command = [portcullis_binary, "run", "--roles", "serve", "--config", f"{self.folder}/p.toml"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait(self.name, lambda: answers(self.port), self.process, f"{self.folder}/log")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def make_key(self):
        command = [portcullis_binary, "keys", "bootstrap", "--config", f"{self.folder}/p.toml", "--name", "bench"]
        admin = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        body = json.dumps({"name": "bouncer", "role": "bouncer"}).encode()
        headers = {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/keys", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["secret"]

    def add(self, rows, addresses, ttl_secs):
        now = int(time.time() * 1000)
        with rows:
            (seq,) = rows.execute("SELECT value FROM counters WHERE name = 'log'").fetchone()
            rows.executemany(
                "INSERT INTO decisions (seq, id, scope, value, conditions, gateways, action, priority, origin, price_clients, "
                "price_requests, price_error, threat, reason, event_at, ttl_secs, mode, model, created_at, expires_at) VALUES "
                "(?, ?, 'ip', ?, '[]', '[]', 'block', 50, 'model', 0, 0, 0.0, 'scraping', 'measured', ?, ?, 'enforced', '', ?, ?)",
                ((seq + place, f"{seq + place:032x}", value, now, ttl_secs, now, now + ttl_secs * 1000)
                 for place, value in enumerate(addresses, 1)))
            rows.execute("UPDATE counters SET value = ? WHERE name = 'log'", (seq + len(addresses),))
        self.count += len(addresses)


class CrowdSec:
    """Debian's, its API alone, with as many decisions, taken in by its own import."""

    name = "crowdsec"

    def __init__(self, count):
        self.folder = f"{folder}/crowdsec-{count}"
        self.port = free_port()
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("crowdsec")))))
        shutil.copytree(f"{package}/etc/crowdsec", f"{self.folder}/etc")
        os.makedirs(f"{self.folder}/data")
        shutil.copytree(f"{package}/usr/share/crowdsec/hub", f"{self.folder}/hub")
        text = open(f"{self.folder}/etc/config.yaml").read()
        for old, new in (("/etc/crowdsec/", f"{self.folder}/etc/"), ("/var/lib/crowdsec/data/", f"{self.folder}/data/"),
                         ("/var/lib/crowdsec/hub/", f"{self.folder}/hub/"), ("daemonize: true", "daemonize: false"),
                         ("log_media: file", "log_media: stdout"), ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
                         ("prometheus:\n  enabled: true", "prometheus:\n  enabled: false")):
            assert old in text, old
            text = text.replace(old, new)
        # Its makers' service is left out: nothing here talks to anybody but this machine.
        text = re.sub(r"    online_client:.*\n      credentials_path:.*\n", "", text)
        with open(f"{self.folder}/etc/config.yaml", "w") as config:
            config.write(text)
        credentials = f"{self.folder}/etc/local_api_credentials.yaml"
        self.cscli("machines", "add", "bench", "-a", "-f", credentials, "--force", "-u", f"http://127.0.0.1:{self.port}")
        self.key = "benchmark0123456789"
        self.cscli("bouncers", "add", "bench", "-k", self.key)
        log = open(f"{self.folder}/log", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(["crowdsec", "-c", f"{self.folder}/etc/config.yaml", "-no-cs"], stdout=log, stderr=log)
        wait(self.name, lambda: answers(self.port), self.process, f"{self.folder}/log")
        self.started_in = time.monotonic() - began
        with open(f"{self.folder}/import.csv", "w") as file:
            file.write("duration,scope,value,reason,type\n")
            file.writelines(f"48h,ip,{address(number)},measured,ban\n" for number in range(count))
        began = time.monotonic()
        self.cscli("decisions", "import", "-i", f"{self.folder}/import.csv")
        print(f"  CrowdSec took {count:,} decisions in within {time.monotonic() - began:.0f} s", flush=True)

    def cscli(self, *arguments):
        done = subprocess.run(["cscli", "-c", f"{self.folder}/etc/config.yaml", *arguments], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench-bouncers: cscli {' '.join(arguments[:2])}: {done.stderr[-1000:]}")

    def stop(self):
        self.process.kill()
        self.process.wait()


def wrk(port, script, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, f"http://127.0.0.1:{port}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        problems.append(f"wrong answers: {' '.join(text.split())[-300:]}")
    micros = {"us": 1, "ms": 1e3, "s": 1e6}
    latency = {share: float(value) * micros[unit] for share, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", text)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), latency["50"], latency["99"]


def lookups(server, count, is_hit):
    numbers = random.Random(1).sample(range(count), 1000)
    addresses = [address(number if is_hit else (1 << 27) + number) for number in numbers]
    script = f"{server.folder}/{'hit' if is_hit else 'miss'}.lua"
    with open(script, "w") as file:
        file.write('local of = {"' + '","'.join(addresses) + '"}\nlocal at = 0\nrequest = function()\n  at = at % #of + 1\n'
                   f'  return wrk.format("GET", "/v1/decisions?ip=" .. of[at], {{["X-Api-Key"] = "{server.key}"}})\nend\n')
    for value in addresses[:3]:
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/decisions?ip={value}", headers={"X-Api-Key": server.key})
        found = urllib.request.urlopen(request).read()
        if (found != b"null") != is_hit:
            problems.append(f"{server.name} answered {found[:100]!r} about {value}")
    return wrk(server.port, script, CONNECTIONS, SECONDS)


def whole(server, takes_gzip=False):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {"X-Api-Key": server.key} | ({"Accept-Encoding": "gzip"} if takes_gzip else {})
    began = time.monotonic()
    connection.request("GET", "/v1/decisions/stream?startup=true", headers=headers)
    body = connection.getresponse().read()
    took = time.monotonic() - began
    connection.close()
    return took, body


def compare(count):
    """Lookups and the whole list, ours and CrowdSec's in turn, so that what else the machine does meets both."""
    servers = [Portcullis(count)] + ([CrowdSec(count)] if count <= CROWDSEC_MAX else [])
    rates, streams = {}, {}
    for _ in range(RUNS):
        for is_hit in (True, False):
            for server in servers:
                rates.setdefault((server.name, is_hit), []).append(lookups(server, count, is_hit))
    for _ in range(RUNS + 2):
        for server, takes_gzip in [(servers[0], False), (servers[0], True)] + [(server, False) for server in servers[1:]]:
            # A list that was written within the second is handed out again: each run is to write its own.
            time.sleep(1.1)
            took, body = whole(server, takes_gzip)
            streams.setdefault((server.name, takes_gzip), []).append((took, len(body)))
            if len(json.loads(gzip.decompress(body) if takes_gzip and body[:2] == b"\x1f\x8b" else body)["new"]) != count:
                problems.append(f"{server.name}: the whole list is not whole at {count:,}")
    for (name, is_hit), runs in rates.items():
        each = [spread([run[place] for run in runs], 0) for place in range(3)]
        print(f"  {name:<11} {'hit' if is_hit else 'miss':<5} {each[0]:>30} requests/s, p50 {each[1]} us, p99 {each[2]} us")
    for (name, takes_gzip), runs in streams.items():
        print(f"  {name:<11} whole list{' gzip' if takes_gzip else ''}: {spread([run[0] * 1000 for run in runs], 1)} ms, {runs[0][1]:,} bytes")
    memory = ", ".join(f"{server.name} {held(server.process):,.0f} MiB" for server in servers)
    print(f"  most memory held: {memory}; portcullis started within {servers[0].started_in:.1f} s", flush=True)
    ours = {is_hit: statistics.median(run[0] for run in rates["portcullis", is_hit]) for is_hit in (True, False)}
    if len(servers) == 1:
        return servers[0], ours
    times = min(ours[is_hit] / statistics.median(run[0] for run in rates["crowdsec", is_hit]) for is_hit in ours)
    faster = statistics.median(run[0] for run in streams["crowdsec", False]) / statistics.median(run[0] for run in streams["portcullis", False])
    print(f"  {times:,.0f} times CrowdSec's lookups a second (the lower of hit and miss), the whole list {faster:,.0f} times as fast")
    if count == COMPARED and times < LOOKUPS_MIN:
        problems.append(f"lookups: {times:.0f} times CrowdSec's at {count:,}, {LOOKUPS_MIN} are asked for")
    if count == COMPARED and faster < STREAM_MIN:
        problems.append(f"the whole list: {faster:.0f} times as fast at {count:,}, {STREAM_MIN} are asked for")
    servers[1].stop()
    return servers[0], ours


async def poll(server, place, is_over):
    """One bouncer, from an address of its own: the whole list, then what is new every ten seconds. What it was told and how long it took."""
    own = f"127.{1 + place // 60000}.{place // 250 % 240}.{1 + place % 250}"
    told, took = set(), []
    await asyncio.sleep(POLL_SECS * place / BOUNCERS)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(own, 0), limit=1 << 20)
    startup = "true"
    for number in range(POLLS + 1):
        began = time.monotonic()
        writer.write(f"GET /v1/decisions/stream?startup={startup} HTTP/1.1\r\nHost: b\r\nX-Api-Key: {server.key}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = await reader.readexactly(int(re.search(r"content-length: (\d+)", head, re.I).group(1)))
        ended = time.monotonic()
        if startup == "false":
            # The last time all ask at once, so that nobody misses the last change: that is no poll.
            if number < POLLS:
                took.append(ended - began)
            text = gzip.decompress(body) if "gzip" in head else body
            told.update(entry["value"] for entry in json.loads(text)["new"])
        startup = "false"
        if number == POLLS - 1:
            await is_over.wait()
        else:
            await asyncio.sleep(max(0, POLL_SECS - (ended - began)))
    writer.close()
    return told, took


async def bouncers(server):
    rows, made, is_over = sqlite3.connect(server.database, timeout=30, check_same_thread=False), [], asyncio.Event()

    async def change():
        # The bouncers have the list first: what comes before is told with it.
        await asyncio.sleep(POLL_SECS + 5)
        before = cpu(server.process), time.monotonic()
        for _ in range((POLLS - 2) * POLL_SECS * 10):
            number = (1 << 26) + len(made)
            fresh = [address(number + place) for place in range(CHANGES_A_SECOND // 10)]
            # Beside the bouncers: the database may make it wait.
            await asyncio.to_thread(server.add, rows, fresh, 3600)
            made.extend(fresh)
            await asyncio.sleep(0.1)
        used = cpu(server.process) - before[0], time.monotonic() - before[1]
        await asyncio.sleep(1)
        is_over.set()
        return used

    used, *polled = await asyncio.gather(change(), *(poll(server, place, is_over) for place in range(BOUNCERS)))
    took = [seconds for _, times in polled for seconds in times]
    missed = sum(len(set(made) - told) for told, _ in polled)
    print(f"  {BOUNCERS:,} bouncers, every {POLL_SECS} s, {len(made) / used[1]:.0f} decisions a second: a poll p50 {percentile(took, 50) * 1000:.1f} ms, "
          f"p99 {percentile(took, 99) * 1000:.1f} ms, longest {max(took) * 1000:.0f} ms; {used[0] / used[1] * 100:.0f}% of a core; "
          f"{missed} of {len(made) * BOUNCERS:,} changes missed", flush=True)
    if missed:
        problems.append(f"bouncers missed {missed} changes")


def checks(server, count):
    """Half of the questions are about clients that are blocked."""
    with open(f"{folder}/clients", "w") as file:
        for place in range(20_000):
            file.write(address(place * (count // 20_000) if place % 2 else (1 << 27) + place) + "\n")
    for way in ("http", "grpc"):
        runs = []
        for _ in range(RUNS):
            command = [pace, way, f"127.0.0.1:{server.port}", str(CHECKS_A_SECOND), str(CHECK_SECS), f"{folder}/clients"]
            before = cpu(server.process)
            said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            runs.append((said, cpu(server.process) - before))
            if said["refused"] * 2 != said["asked"]:
                problems.append(f"{way}: {said['refused']} of {said['asked']} refused, half are blocked")
        each = lambda since, share: spread([run[0][since][share] for run in runs], 0)
        print(f"  {way}, {CHECKS_A_SECOND:,} a second for {CHECK_SECS} s: from when a question was due p50 {each('since_due', 'p50')} us, p99 {each('since_due', 'p99')} us, "
              f"p99.9 {each('since_due', 'p99.9')} us; from when it was sent p50 {each('since_sent', 'p50')} us, p99 {each('since_sent', 'p99')} us, "
              f"p99.9 {each('since_sent', 'p99.9')} us; {spread([run[1] / CHECK_SECS * 100 for run in runs], 0)}% of a core", flush=True)


def nginx(port, portcullis):
    place = f"{folder}/nginx-{port}"
    os.makedirs(f"{place}/html")
    open(f"{place}/html/index.html", "w").write("hello\n")
    ask = "auth_request /portcullis;" if portcullis else ""
    with open(f"{place}/nginx.conf", "w") as config:
        config.write(f"""daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
upstream portcullis {{ server 127.0.0.1:{portcullis or 1}; keepalive 32; }}
server {{ listen 127.0.0.1:{port}; root {place}/html;
location / {{ {ask} }}
location = /portcullis {{ internal; proxy_pass http://portcullis/check; proxy_pass_request_body off; proxy_set_header Content-Length "";
proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr; }} }} }}""")
    return ["nginx", "-p", place, "-c", f"{place}/nginx.conf"]


def envoy(port, portcullis, is_grpc=False):
    service = f"grpc_service: {{envoy_grpc: {{cluster_name: portcullis}}, timeout: 0.25s}}" if is_grpc else \
        f"http_service: {{server_uri: {{uri: portcullis, cluster: portcullis, timeout: 0.25s}}, path_prefix: /check, " \
        f"authorization_request: {{allowed_headers: {{patterns: [{{exact: x-forwarded-for}}]}}}}}}"
    asks = f"""          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              failure_mode_allow: true
              {service}
""" if portcullis else ""
    http2 = """    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
""" if is_grpc else ""
    with open(f"{folder}/envoy-{port}.yaml", "w") as config:
        config.write(f"""static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: all
          use_remote_address: true
          route_config: {{ virtual_hosts: [{{ name: all, domains: ["*"], routes: [{{ match: {{ prefix: / }}, direct_response: {{ status: 200, body: {{ inline_string: hello }} }} }}] }}] }}
          http_filters:
{asks}          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: portcullis
    type: STATIC
    load_assignment: {{ cluster_name: portcullis, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {portcullis or 1} }} }} }} }}] }}] }}
{http2}""")
    return ["envoy", "--config-path", f"{folder}/envoy-{port}.yaml", "--log-level", "error", "--concurrency", "1", "--disable-hot-restart"]


def gateways(server):
    """What asking adds to a request: the same gateway without and with it, one connection, in turn."""
    script = f"{folder}/plain.lua"
    open(script, "w").write('request = function() return wrk.format("GET", "/index.html") end\n')
    kinds = [("nginx", nginx, {}), ("nginx, asking", nginx, {"portcullis": server.port}), ("envoy", envoy, {}),
             ("envoy, asking over http", envoy, {"portcullis": server.port}), ("envoy, asking over grpc", envoy, {"portcullis": server.port, "is_grpc": True})]
    running, runs = [], {}
    for name, write, more in kinds:
        port = free_port()
        log = open(f"{folder}/gateway-{port}.log", "wb")
        process = subprocess.Popen(write(port, **({"portcullis": None} | more)), stdout=log, stderr=log)
        running.append((name, port, process))
        wait(name, lambda: answers(port, "/"), process, log.name, 60)
    asked = lambda: sum(float(line.rsplit(" ", 1)[1]) for line in urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics").read().decode().splitlines()
                        if line.startswith("portcullis_checks_total"))
    for _ in range(RUNS):
        for name, port, _ in running:
            before = asked()
            rate, p50, p99 = wrk(port, script, 1, SECONDS)
            runs.setdefault(name, []).append((p50, p99, rate))
            if ("asking" in name) != (asked() - before > rate):
                problems.append(f"{name}: asked {asked() - before:.0f} times")
    for name, of in runs.items():
        each = [spread([run[place] for run in of], 0) for place in range(3)]
        print(f"  {name:<24} p50 {each[0]} us, p99 {each[1]} us, {each[2]} requests/s over one connection")
    for _, _, process in running:
        process.terminate()
        process.wait()


rates = {}
for count in sizes:
    print(f"{count:,} decisions; {CONNECTIONS} connections of wrk, {RUNS} interleaved runs of {SECONDS} s", flush=True)
    server, rates[count] = compare(count)
    if count == COMPARED:
        asyncio.run(bouncers(server))
    if count == sizes[-1]:
        checks(server, count)
        gateways(server)
    server.stop()
for is_hit in (True, False):
    found = [each[is_hit] for each in rates.values()]
    times = max(found) / min(found)
    print(f"{'hits' if is_hit else 'misses'} a second over all sizes differ by {times:.2f} times")
    if times > FLAT_MAX:
        problems.append(f"lookups are not flat: they differ by {times:.2f} times")
for problem in problems:
    print(f"below what is asked for: {problem}")
sys.exit(bool(problems))
