#!/usr/bin/env python3
"""What the benchmark scripts share: measuring a run of a command, and saying what several runs come to.

measure.py run FILE COMMAND...      runs it, its output going to FILE, and prints CPU seconds and mebibytes at the peak
measure.py instructions COMMAND...  runs it under callgrind and prints how many instructions it took
measure.py machine                  prints the machine: cores and processor
"""
import os, re, resource, statistics, subprocess, sys, tempfile


def run(out, command):
    with open(out, "wb") as sink:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"measure: {command[0]} exited with {done.returncode}")
    print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss / 1024:.0f}")


def instructions(command):
    with tempfile.TemporaryDirectory() as folder:
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        done = subprocess.run(callgrind + command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"measure: callgrind on {command[0]} exited with {done.returncode}: {done.stderr[-500:]}")
    print(found.group(1))


def machine():
    with open("/proc/cpuinfo") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{os.cpu_count()} x {models[0] if models else os.uname().machine}"


def spread(values, digits=2):
    """Median and range."""
    numbers = (statistics.median(values), min(values), max(values))
    middle, low, high = (f"{number:,.{digits}f}" for number in numbers)
    return f"{middle} [{low}, {high}]"


def percentile(values, share):
    """The smallest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", out, *command] if command:
            run(out, command)
        case ["instructions", *command] if command:
            instructions(command)
        case ["machine"]:
            print(machine())
        case _:
            sys.exit(__doc__)
