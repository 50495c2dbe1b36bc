#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on any include that is not an arrow of lib/README.md, on a file name used twice, and on a file without SPDX line.

Reads every C++ and CUDA file as text. `check_rooms.py --self-test` plants a wrong include and expects to see it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAY_INCLUDE = {
    "core": {"core"},
    "report": {"report"},
    "batch": {"batch", "core"},
    "tensor": {"tensor", "core"},
    "audit": {"audit", "core", "batch", "tensor", "report"},
    "accumulate": {"accumulate", "core", "batch", "tensor", "report"},
    "scaling": {"scaling", "core", "batch", "tensor", "report", "audit"},
    "gpu": {"gpu", "core", "accumulate", "audit", "report"},
}
# Third-party headers that only one place may use.
RESERVED = {
    "boost/multiprecision": "tests/oracle",
    "mpfr.h": "tests/oracle",
    "CLI/": "tools",
    "nlohmann/": ("lib/lowp/tensor", "tests"),
    "zip.h": ("lib/lowp/tensor", "tests"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def faults_of(path: str, text: str) -> list[str]:
    """Faults of one file, given by its path below the root."""
    faults = []
    if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
        faults.append(f"{path}: first line is not the SPDX line")
    parts = path.split("/")
    room = parts[2] if parts[:2] == ["lib", "lowp"] else None
    for included in INCLUDE.findall(text):
        if room and included.startswith("lowp/"):
            other = included.split("/")[1]
            if other not in MAY_INCLUDE.get(room, set()):
                faults.append(f"{path}: {room} may not include {included}")
        for prefix, places in RESERVED.items():
            if included.startswith(prefix) and not path.startswith(places):
                faults.append(f"{path}: {included} belongs in {places}")
    return faults


def sources() -> dict[str, str]:
    found = {}
    for top in ("lib", "tools", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in SUFFIXES:
                found[path.relative_to(ROOT).as_posix()] = path.read_text()
    return found


def check(files: dict[str, str]) -> list[str]:
    faults = []
    names: dict[str, str] = {}
    for path, text in files.items():
        faults += faults_of(path, text)
        name = path.rsplit("/", 1)[1]
        if name in names:
            faults.append(f"{path}: the name is already taken by {names[name]}")
        names[name] = path
    return faults


def self_test() -> bool:
    planted = {
        "lib/lowp/core/planted.h": "// SPDX-License-Identifier: Apache-2.0\n#include \"lowp/audit/sweep.h\"\n",
        "lib/lowp/report/planted.cpp": "#include <CLI/CLI.hpp>\n",
        "tools/planted.cpp": "// SPDX-License-Identifier: Apache-2.0\n#include <fmt/format.h>\n",
    }
    return len(check(planted)) == 4


if __name__ == "__main__":
    if not self_test():
        sys.exit("check_rooms.py does not find what it is made to find")
    all_faults = check(sources())
    print("\n".join(all_faults) if all_faults else f"rooms: {len(sources())} files, every include is an arrow")
    sys.exit(1 if all_faults else 0)
