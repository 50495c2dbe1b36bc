#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Markdown table of a Google Benchmark JSON file, with the machine it came from: bench_table.py RESULTS.json"""
import json
import sys

CONTEXT = ("date", "num_cpus", "load_avg", "instruction_set", "compiler", "processor")


def row_of(run: dict) -> list[str]:
    what, number_format, mode, data, size, threads = run["name"].split("/")[:6]
    return [what, number_format, mode, data, size, threads, f"{run['Gelem_s']:.2f}", f"{run['memcpy_Gelem_s']:.2f}",
            f"{run['of_memcpy']:.2f}"]


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    for key in CONTEXT:
        if key in results["context"]:
            print(f"- {key}: {results['context'][key]}")
    print()
    head = ["what", "format", "mode", "data", "elements", "threads", "Gelem/s", "memcpy Gelem/s", "of memcpy"]
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for run in results["benchmarks"]:
        print("| " + " | ".join(row_of(run)) + " |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
