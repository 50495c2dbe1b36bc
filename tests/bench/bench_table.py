#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables and the page of Google Benchmark JSON files.

bench_table.py RESULTS.json...               markdown tables of every run, with the machine they came from
bench_table.py --compare OLD.json NEW.json   the speed of each run against the older one
bench_table.py --merge OUT.json RESULTS...   one line per run, as data/bench keeps them; runs of OUT that are not repeated stay
bench_table.py --page FOLDER                 README.md and speed.svg of the one JSON file in FOLDER
"""
import json
import sys
from pathlib import Path

import bench_page

CONTEXT = ("date", "num_cpus", "load_avg", "instruction_set", "compiler", "processor")
# By the counter that tells how a run was judged: the head of its table, and the counters that follow the name's parts.
TABLES = {
    "of_memcpy": (["what", "format", "mode", "data", "elements", "threads", "Gelem/s", "memcpy Gelem/s", "of memcpy"],
                  ["Gelem_s", "memcpy_Gelem_s", "of_memcpy"]),
    "of_read": (["what", "tensors", "work", "threads", "seconds", "Gelem/s", "of plain reads"],
                ["seconds", "Gelem_s", "of_read"]),
}
COUNTERS = ("Gelem_s", "memcpy_Gelem_s", "of_memcpy", "seconds", "of_read", "of_cat", "times_one_tensor",
            "peak_megabytes")


def load(path: str) -> tuple[dict, list[dict]]:
    """The context, and the runs with the short form of their names."""
    results = json.loads(Path(path).read_text("utf-8"))
    runs = [run | {"name": run["name"].split("/iterations:")[0]} for run in results["benchmarks"]]
    return results["context"], runs


def print_table(head: list[str], counters: list[str], runs: list[dict]) -> None:
    print("\n| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for run in runs:
        names = run["name"].split("/")[: len(head) - len(counters)]
        print("| " + " | ".join(names + [f"{run[c]:.2f}" if c in run else "" for c in counters]) + " |")


def tables(paths: list[str]) -> None:
    for path in paths:
        context, runs = load(path)
        for key in CONTEXT if path == paths[0] else ():
            if key in context:
                print(f"- {key}: {context[key]}")
        for judge, (head, counters) in TABLES.items():
            judged = [run for run in runs if judge in run]
            if judged:
                print_table(head, counters, judged)


def compare(old_path: str, new_path: str) -> None:
    """Ratios of what the runs were judged by (share of memcpy or of plain reads), which drifts less than speed."""
    older = {run["name"]: run for run in load(old_path)[1]}
    print("| run | older | newer | newer / older |\n|---|---|---|---|")
    for run in load(new_path)[1]:
        before = older.get(run["name"])
        for counter in ("of_memcpy", "of_read"):
            if before and counter in run and before.get(counter):
                print(f"| {run['name']} | {before[counter]:.2f} | {run[counter]:.2f} | "
                      f"{run[counter] / before[counter]:.2f} |")


def merge(out: str, paths: list[str]) -> None:
    context, runs = load(paths[0])[0], [run for path in paths for run in load(path)[1]]
    names = {run["name"] for run in runs}
    if Path(out).exists():
        runs += [run for run in load(out)[1] if run["name"] not in names]
    lines = [json.dumps({"name": run["name"]} | {c: round(run[c], 4) for c in COUNTERS if c in run}) for run in runs]
    text = json.dumps(context, indent=2).replace("\n", "\n  ")
    Path(out).write_text('{\n  "context": ' + text + ',\n  "benchmarks": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n",
                         "utf-8")


def page(folder: str) -> None:
    source = bench_page.json_in(Path(folder))
    for name, text in bench_page.files(*load(str(source)), source.name):
        Path(folder, name).write_text(text, "utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--compare", old, new]:
            compare(old, new)
        case ["--merge", out, *results] if results:
            merge(out, results)
        case ["--page", folder]:
            page(folder)
        case [first, *_] if not first.startswith("-"):
            tables(sys.argv[1:])
        case _:
            sys.exit(__doc__)
