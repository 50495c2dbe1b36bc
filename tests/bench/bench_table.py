#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Markdown tables of Google Benchmark JSON files, with the machine they came from: bench_table.py RESULTS.json..."""
import json
import sys

CONTEXT = ("date", "num_cpus", "load_avg", "instruction_set", "compiler", "processor")


# By the counter that tells how a run was judged: the head of its table, and the counters that follow the name's parts.
TABLES = {
    "of_memcpy": (["what", "format", "mode", "data", "elements", "threads", "Gelem/s", "memcpy Gelem/s", "of memcpy"],
                  ["Gelem_s", "memcpy_Gelem_s", "of_memcpy"]),
    "of_read": (["what", "tensors", "work", "threads", "seconds", "Gelem/s", "of plain reads"],
                ["seconds", "Gelem_s", "of_read"]),
}


def print_table(head: list[str], counters: list[str], runs: list[dict]) -> None:
    print("\n| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for run in runs:
        names = run["name"].split("/")[: len(head) - len(counters)]
        print("| " + " | ".join(names + [f"{run[counter]:.2f}" for counter in counters]) + " |")


def main(paths: list[str]) -> None:
    for path in paths:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        for key in CONTEXT if path == paths[0] else ():
            if key in results["context"]:
                print(f"- {key}: {results['context'][key]}")
        for judge, (head, counters) in TABLES.items():
            runs = [run for run in results["benchmarks"] if judge in run]
            if runs:
                print_table(head, counters, runs)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
