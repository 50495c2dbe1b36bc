# SPDX-License-Identifier: Apache-2.0
"""Of each set of recorded trajectories the shortest cases of each configuration: make_selection.py SOURCE_DIR TARGET_DIR."""

import json
import pathlib
import sys

STEPS = 1500  # longer cases only where a configuration has no shorter one
CASES = 4  # of one configuration


def select(cases: list[dict]) -> list[dict]:
    by_configuration: dict[str, list[dict]] = {}
    for case in cases:
        by_configuration.setdefault(json.dumps(case["config"], sort_keys=True), []).append(case)
    chosen = []
    for group in by_configuration.values():
        group.sort(key=lambda case: (case["steps"] > STEPS, len(json.dumps(case))))
        kept = group[:1] + [case for case in group[1:] if case["steps"] <= STEPS][: CASES - 1]
        raising = [case for case in group if "raises" in case and case not in kept][:1]
        chosen += kept + raising
    return chosen


def main(source: pathlib.Path, target: pathlib.Path) -> None:
    inputs = json.loads((source / "inputs.json").read_text())
    used = set()
    for path in sorted(source.glob("*.json")):
        document = json.loads(path.read_text())
        if document.get("format") != "scaler-trajectories/1":
            continue
        document["cases"] = select(document["cases"])
        used |= {case["input"] for case in document["cases"]}
        (target / path.name).write_text(json.dumps(document, separators=(",", ":")) + "\n")
    inputs["series"] = {name: entry for name, entry in inputs["series"].items() if name in used}
    (target / "inputs.json").write_text(json.dumps(inputs, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
