#!/usr/bin/env python3
"""One row of a table: how many branches a target's inputs took, of those in the functions that they reached.

branches.py TARGET EXPORT ROOT      EXPORT is what `llvm-cov export` wrote, ROOT the folder whose files count

A branch is one way out of one condition: `if` has two. What a target never calls is another target's to reach, so
only functions that were reached are counted.
"""

import json
import sys

target, export, root = sys.argv[1:]
with open(export, encoding="utf-8") as file:
    functions = json.load(file)["data"][0]["functions"]


def is_ours(name):
    return name.startswith(root) and not name.startswith(f"{root}/fuzz/")


# Copies of one generic function share their places: a branch counts once, and is taken if any copy took it.
branches = {}
for function in functions:
    if function["count"] == 0 or not all(is_ours(name) for name in function["filenames"]):
        continue
    for place in function["branches"]:
        where = (function["filenames"][place[6]], *place[:4])
        taken = branches.setdefault(where, [False, False])
        taken[0] |= place[4] > 0
        taken[1] |= place[5] > 0
took = sum(sum(taken) for taken in branches.values())
ways = 2 * len(branches)
print(f"| `{target}` | {took} | {ways} | {took / max(ways, 1):.1%} |")
