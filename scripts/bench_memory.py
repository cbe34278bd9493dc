"""bench_memory.py PORTCULLIS FOLDER LINES: the most memory held on the way through FOLDER/access.log; see bench-memory.sh."""
import json, os, re, signal, socket, subprocess, sys, time, urllib.request

portcullis, folder, lines = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = f"{folder}/access.log"
marks = [lines // 5, lines // 2, lines]

CLIENTS_MAX = 100_000
GROWTH_MAX = 1.1
# A window of at most 600 bytes, its key and its place in the tables, and room to grow.
CLIENT_BYTES_MAX = 1024
# One block of the file at a time is handed to scan.
BLOCK = 1 << 20


def peak(process):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


def scan(clients_max):
    """Peaks at the marks in MiB, and the summary. The last is taken before the input is closed: what follows is the report."""
    command = [portcullis, "scan", "--output", "json", "--clients-max", str(clients_max), "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=open(f"{folder}/scan.json", "wb"), stderr=subprocess.DEVNULL)
    peaks, seen = [], 0
    with open(log, "rb") as file:
        while block := file.read(BLOCK):
            process.stdin.write(block)
            seen += block.count(b"\n")
            while len(peaks) < len(marks) and seen >= marks[len(peaks)]:
                peaks.append(peak(process))
    process.stdin.close()
    if process.wait():
        sys.exit(f"bench-memory: scan exited with {process.returncode}")
    with open(f"{folder}/scan.json") as file:
        *_, last = file
    return peaks, json.loads(last)


def metrics(address):
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))
    except OSError:
        return {}


def serve(clients_max):
    """The same of the service that follows the file, with everything it stores."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    with open(f"{folder}/portcullis.toml", "w") as config:
        # Every ten seconds, as by default, too few checkpoints would be written in a run of half a minute.
        config.write(f'[[files]]\npath = "{log}"\nstart = "beginning"\n[clients]\nclients_max = {clients_max}\n'
                     f'[storage]\nurl = "sqlite:{folder}/p.db"\ncheckpoints = "file:{folder}/c"\ncheckpoint_secs = 2\n'
                     f'[[api.listeners]]\naddress = "{address}"\n')
    with open(f"{folder}/run.log", "wb") as told:
        process = subprocess.Popen([portcullis, "run", "--config", f"{folder}/portcullis.toml"], stdout=told, stderr=told)
    peaks = []
    try:
        while len(peaks) < len(marks):
            if process.poll() is not None:
                sys.exit("bench-memory: the service ended: " + open(f"{folder}/run.log").read()[-2000:])
            if float(metrics(address).get("portcullis_lines_total", 0)) >= marks[len(peaks)]:
                if len(peaks) < len(marks) - 1:
                    wait_for_checkpoint(process, address)
                peaks.append(peak(process))
            else:
                time.sleep(0.1)
        told = metrics(address)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return peaks, told


def wait_for_checkpoint(process, address):
    """Returns when one was written that was begun after the call. Everything that is remembered is copied for it: a peak before the
    first says nothing of those after it."""
    saved = lambda: float(metrics(address).get("portcullis_checkpoints_total", 0))
    # The next one may have been begun before.
    wanted = saved() + 2
    while process.poll() is None and saved() < wanted:
        time.sleep(0.1)


def row(title, peaks, clients):
    print(f"{title:<34} " + " ".join(f"{value:>10.0f}" for value in peaks) + f" {clients:>12,.0f}")


print(f"{'peak MiB after lines':<34} " + " ".join(f"{mark:>10,}" for mark in marks) + f" {'addresses':>12}")
problems = []
flat = {}
flat[f"scan, {CLIENTS_MAX:,} clients"], summary = scan(CLIENTS_MAX)
row(f"scan, {CLIENTS_MAX:,} clients", flat[f"scan, {CLIENTS_MAX:,} clients"], summary["clients"])
# Its report is held until the end: an alert for each client that was alerted on.
report = {f"scan, {CLIENTS_MAX:,} clients": os.path.getsize(f"{folder}/scan.json") / 2**20}
print(f"  of which the report of {summary['alerts']:,} alerts, {sum(report.values()):.0f} MiB as written")
flat[f"service, {CLIENTS_MAX:,} clients"], told = serve(CLIENTS_MAX)
row(f"service, {CLIENTS_MAX:,} clients", flat[f"service, {CLIENTS_MAX:,} clients"], float(told["portcullis_clients_total"]))
for title, peaks in flat.items():
    if peaks[-1] - report.get(title, 0) > peaks[0] * GROWTH_MAX:
        problems.append(f"{title}: grew from {peaks[0]:.0f} to {peaks[-1]:.0f} MiB after the limit was reached")
whole, summary = scan(2 * summary["clients"])
row("scan, all clients", whole, summary["clients"])
held = {table["name"]: table["held"] for table in summary["tables"]}["clients"]
each = (whole[-1] - flat[f"scan, {CLIENTS_MAX:,} clients"][-1]) * 2**20 / (held - CLIENTS_MAX)
print(f"\na further remembered client takes {each:.0f} bytes: at most {CLIENT_BYTES_MAX} are allowed")
if each > CLIENT_BYTES_MAX:
    problems.append(f"{each:.0f} bytes a client")
print(f"with room for {CLIENTS_MAX:,} clients at most a tenth more may be held at the end than after a fifth")
for problem in problems:
    print(f"not flat: {problem}")
sys.exit(bool(problems))
