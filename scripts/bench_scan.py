"""bench_scan.py FOLDER LINES LINES_FAIL2BAN LINES_CALLGRIND: what bench-scan.sh measured, as tables; exit code 1 below a floor."""
import datetime, functools, ipaddress, json, re, statistics, sys
from measure import percentile, spread

folder = sys.argv[1]
lines, lines_fail2ban, lines_callgrind = map(int, sys.argv[2:])

# Times GoAccess's lines per CPU second: what is required, and what is asked for.
SCAN_MIN, SCAN_ASKED, PARSE_ASKED = 8, 10, 60


def costs():
    print(f"{'':<16} {'CPU seconds':>22} {'microseconds a line':>24} {'lines a CPU second':>36} {'peak MiB':>9}")
    micros = {}
    for name, title, count in (("scan", "scan", lines), ("parse", "parsing alone", lines), ("goaccess", "goaccess", lines),
                               ("fail2ban", "fail2ban-regex", lines_fail2ban)):
        with open(f"{folder}/{name}") as file:
            cpu, peak = zip(*(map(float, line.split()) for line in file))
        micros[name] = statistics.median(cpu) / count * 1e6
        each = spread([seconds / count * 1e6 for seconds in cpu])
        rates = spread([count / seconds for seconds in cpu], 0)
        print(f"{title:<16} {spread(cpu):>22} {each:>24} {rates:>36} {max(peak):>9.0f}")
    return micros


def instructions():
    print("\ninstructions a line, by callgrind")
    for name in ("scan", "parse"):
        with open(f"{folder}/{name}.instructions") as file:
            short, long = map(int, file)
        print(f"  {name:<8} {(long - short) / lines_callgrind:,.0f}")


def attackers():
    """When each attacker began, by address."""
    began = {}
    with open(f"{folder}/truth.csv") as file:
        next(file)
        for row in file:
            client, label, _, first = row.rstrip("\n").split(",")
            if first:
                began[client] = datetime.datetime.fromisoformat(first)
    return began


def alerts():
    """The alert of each client, by address."""
    found = {}
    with open(f"{folder}/scan.json") as file:
        for line in file:
            said = json.loads(line)
            if said["type"] == "alert" and not said.get("members"):
                found[said["client"]["value"]] = said
    return found


@functools.cache
def client_of(address):
    """The client that comes from an address: an IPv6 client is its /64."""
    return str(ipaddress.ip_network((address, 64), strict=False)) if ":" in address else address


def requests_before(began):
    """How many requests each attacker had sent before it began to attack: lines name whole seconds."""
    before = dict.fromkeys(began, 0)
    pattern = re.compile(r"(\S+) \S+ \S+ \[([^\]]+)\]")
    with open(f"{folder}/access.log", encoding="utf-8", errors="replace") as file:
        for line in file:
            address, at = pattern.match(line).groups()
            client = client_of(address)
            start = began.get(client)
            if start and datetime.datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z") < start.replace(microsecond=0):
                before[client] += 1
    return before


def delays():
    began, said = attackers(), alerts()
    before = requests_before(began)
    print(f"\nfrom an attacker's first attack request on, in the last run of scan; {len(began)} attackers began")
    for title, when, count in (("alert", "alerted_at", "requests_before_alert"), ("action", "action_at", "requests_before_action")):
        told = [(client, said[client]) for client in began if client in said and said[client].get(when)]
        # An alert before the first attack request, for something else, is as early as can be.
        requests = [max(0, alert[count] - before[client]) for client, alert in told]
        seconds = [max(0.0, (datetime.datetime.fromisoformat(alert[when]) - began[client]).total_seconds())
                   for client, alert in told]
        print(f"  {title:<8} {len(told):>4} of them: requests median {statistics.median(requests):g}, "
              f"90th percentile {percentile(requests, 90):g}; seconds median {statistics.median(seconds):.1f}, "
              f"90th percentile {percentile(seconds, 90):.1f}")


micros = costs()
instructions()
delays()
scan, parse = (micros["goaccess"] / micros[name] for name in ("scan", "parse"))
print(f"\nscan handles {scan:.1f} times GoAccess's lines per CPU second: at least {SCAN_MIN} are required, {SCAN_ASKED} are asked for")
print(f"parsing alone handles {parse:.1f} times as many: {PARSE_ASKED} are asked for")
print(f"fail2ban-regex, one filter, takes {micros['fail2ban'] / micros['scan']:.0f} times as long a line as scan")
sys.exit(scan < SCAN_MIN)
