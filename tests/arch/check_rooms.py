#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on an include that is no arrow of lib/rooms.txt, on a file name used twice, and on a file without SPDX line.

Reads every C++ and CUDA file as text; what a header includes counts for whoever includes it. `check_rooms.py --self-test` plants a wrong include and expects to see it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAY_INCLUDE = {
    room: {room, *uses.split()}
    for room, uses in re.findall(r"^([a-z_]+):(.*)$", (ROOT / "lib/rooms.txt").read_text(), re.MULTILINE)
}
# Third-party headers that only one place may use.
RESERVED = {
    "boost/multiprecision": ("lib/lowp/verify", "tests/oracle"),
    "mpfr.h": "tests/oracle",
    "CLI/": "tools",
    "nlohmann/": ("lib/lowp/tensor", "lib/lowp/scaling", "lib/lowp/verify", "tests"),
    "zlib.h": ("lib/lowp/page", "lib/lowp/tensor", "tests"),
    "nanobind/": "lib/python",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def faults_of(path: str, text: str) -> list[str]:
    """Faults that one file, given by its path below the root, shows by itself."""
    faults = []
    if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
        faults.append(f"{path}: first line is not the SPDX line")
    for included in INCLUDE.findall(text):
        for prefix, places in RESERVED.items():
            if included.startswith(prefix) and not path.startswith(places):
                faults.append(f"{path}: {included} belongs in {places}")
    return faults


def room_of(path: str) -> str | None:
    parts = path.split("/")
    return parts[2] if parts[:2] == ["lib", "lowp"] else None


def project_includes(path: str, files: dict[str, str]) -> set[str]:
    """Files of the project that `path` includes by itself, as paths below the root."""
    found = set()
    for included in INCLUDE.findall(files[path]):
        if included.startswith("lowp/"):
            found.add(f"lib/{included}")
        elif "/" not in included:
            found |= {other for other in files if other.endswith(f"/{included}")}
    return found


def arrows_of(path: str, files: dict[str, str]) -> list[str]:
    """Rooms, and folders of tests, that a file sees directly or through headers but may not."""
    seen, waiting, faults = {path}, [(path, other) for other in sorted(project_includes(path, files))], []
    while waiting:
        through, other = waiting.pop()
        room, seen_room = room_of(path), room_of(other)
        way = "" if through == path else f" (through {through})"
        if room and seen_room not in MAY_INCLUDE.get(room, set()):
            faults.append(f"{path}: {room} may not include {other}{way}")
        if not path.startswith("tests/") and other.startswith("tests/"):
            faults.append(f"{path}: only tests may include {other}{way}")
        if not path.startswith("lib/python/") and other.startswith("lib/python/"):
            faults.append(f"{path}: nothing may include the Python module's {other}{way}")
        if other not in seen and other in files:
            seen.add(other)
            waiting += [(other, next_one) for next_one in sorted(project_includes(other, files))]
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
        faults += faults_of(path, text) + arrows_of(path, files)
        name = path.rsplit("/", 1)[1]
        if name in names:
            faults.append(f"{path}: the name is already taken by {names[name]}")
        names[name] = path
    return faults


def self_test() -> bool:
    line = "// SPDX-License-Identifier: Apache-2.0\n"
    planted = {
        "lib/lowp/core/planted.h": line + '#include "lowp/audit/sweep.h"\n',
        "lib/lowp/report/bare.cpp": "#include <CLI/CLI.hpp>\n",
        "lib/lowp/base/door.h": line + '#include "lowp/core/planted.h"\n',
        "tests/unit/planted_test.h": line,
        "tools/planted.cpp": line + '#include "planted_test.h"\n#include <fmt/format.h>\n',
        "tools/bare.cpp": line,
    }
    # One for core, two for the bare file, two for the door, one for the test's header, one for the name used twice.
    return len(check(planted)) == 7


if __name__ == "__main__":
    if not self_test():
        sys.exit("check_rooms.py does not find what it is made to find")
    all_faults = check(sources())
    print("\n".join(all_faults) if all_faults else f"rooms: {len(sources())} files, every include is an arrow")
    sys.exit(1 if all_faults else 0)
