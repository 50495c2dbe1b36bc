# SPDX-License-Identifier: Apache-2.0
"""Every 25th dot product of each file of recorded tensor-core results: make_selection.py SOURCE_DIR TARGET_DIR."""

import json
import pathlib
import struct
import sys

EVERY = 25


def select(source: bytes) -> bytes:
    (length,) = struct.unpack_from("<Q", source)
    header = json.loads(source[8 : 8 + length])
    data = source[8 + length :]
    metadata = dict(header.pop("__metadata__"), selection=f"every {EVERY}th row")
    out, chosen = {"__metadata__": metadata}, b""
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        rows = entry["shape"][0]
        size = (end - begin) // rows
        part = b"".join(data[begin + r * size : begin + (r + 1) * size] for r in range(0, rows, EVERY))
        shape = [len(range(0, rows, EVERY)), *entry["shape"][1:]]
        out[name] = {"dtype": entry["dtype"], "shape": shape, "data_offsets": [len(chosen), len(chosen) + len(part)]}
        chosen += part
    text = json.dumps(out, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + chosen


def main() -> None:
    source, target = map(pathlib.Path, sys.argv[1:])
    for path in sorted(source.glob("*.safetensors")):
        (target / path.name).write_bytes(select(path.read_bytes()))


if __name__ == "__main__":
    main()
