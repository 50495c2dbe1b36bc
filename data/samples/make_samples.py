#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts full gradient dumps down to the samples in this folder: make_samples.py DUMP_DIRECTORY.

Of a tensor with more than KEEP elements every n-th is kept, n the smallest stride that leaves at most KEEP, so that the
distribution of magnitudes stays; its shape becomes [kept]. Smaller tensors stay whole. Values are copied bit by bit.
"""
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = {  # sample: (dump, KEEP)
    "unet-step0200.safetensors": ("unet-step0200.safetensors", 8192),
    "chargpt-steps/step0001.safetensors": ("chargpt-step0001.safetensors", 2048),
    "chargpt-steps/step0100.safetensors": ("chargpt-step0100.safetensors", 2048),
    "chargpt-steps/step0600.safetensors": ("chargpt-step0600.safetensors", 2048),
}


def read(path: pathlib.Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def cut(path: pathlib.Path, keep: int) -> bytes:
    header, data = read(path)
    metadata = header.pop("__metadata__", {}) | {"cut_from": path.name, "kept_of_each_tensor": str(keep)}
    out_header, out_data = {"__metadata__": metadata}, bytearray()
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        words = struct.unpack(f"<{(end - begin) // 4}I", data[begin:end])
        stride = -(-len(words) // keep)
        shape = entry["shape"]
        if stride > 1:
            words = words[::stride]
            shape = [len(words)]
        packed = struct.pack(f"<{len(words)}I", *words)
        offsets = [len(out_data), len(out_data) + len(packed)]
        out_header[name] = {"dtype": entry["dtype"], "shape": shape, "data_offsets": offsets}
        out_data += packed
    text = json.dumps(out_header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(out_data)


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1])
    for sample, (dump, keep) in SAMPLES.items():
        (HERE / sample).parent.mkdir(exist_ok=True)
        (HERE / sample).write_bytes(cut(source / dump, keep))
