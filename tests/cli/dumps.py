# SPDX-License-Identifier: Apache-2.0
"""Writes dump files byte by byte with the standard library alone, so that every byte can be made wrong."""

import io
import json
import struct
import zipfile
from pathlib import Path


def packed(code, values):
    """Little-endian bytes of numbers; `code` as in struct: f, d, H (bits of 16-bit formats), q."""
    return struct.pack(f"<{len(values)}{code}", *values)


def floats(count, exponent=-20):
    """Plausible gradients: both signs, a dozen binades, some zeros, nothing random."""
    return [0.0 if i % 7 == 0 else (-1) ** i * (1 + i % 97 / 97) * 2.0 ** (exponent - i % 13) for i in range(count)]


def raw_safetensors(header, data=b"", length=None):
    """A file with this header, text or bytes, and with this header length if the true one is not wanted."""
    header = header.encode("utf-8", "surrogateescape") if isinstance(header, str) else header
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def safetensors(tensors, metadata=None):
    """{name: (dtype, shape, bytes)} as a file."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return raw_safetensors(json.dumps(header), data)


def entry(dtype="F32", shape=(2,), begin=0, end=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def f32(*values):
    return "F32", [len(values)], packed("f", values)


def f64(*values):
    return "F64", [len(values)], packed("d", values)


def npy(descr="'<f4'", shape="(2,)", data=packed("f", [1, 2]), order="False", header=None):
    header = header or f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    padded = header.encode("latin-1") + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + data


def zipped(entries, deflated=False):
    """A zip of (name, bytes) pairs, names as often as given."""
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, kind)
    return buffer.getvalue()


def text_op(text):
    data = text.encode("utf-8", "surrogateescape")
    return b"X" + struct.pack("<I", len(data)) + data


def int_op(value):
    return b"J" + struct.pack("<i", value) if -(2**31) <= value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)


def tuple_op(values):
    return b"(" + b"".join(map(int_op, values)) + b"t"


def torch_tensor(key="0", shape=(2,), strides=(1,), offset=0, storage="FloatStorage", elements=2):
    """Pickle opcodes of one tensor as torch.save writes them."""
    reference = b"(" + text_op("storage") + b"ctorch\n" + storage.encode() + b"\n" + text_op(key) + text_op("cpu")
    reference += int_op(elements) + b"tQ"
    arguments = b"(" + reference + int_op(offset) + tuple_op(shape) + tuple_op(strides) + b"\x89" + b"}t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def torch_zip(pickled, records, byteorder=b"little"):
    """A torch.save file: {name: opcodes} as the saved dict (or bytes as the whole pickle), {key: bytes} as storages."""
    if isinstance(pickled, dict):
        items = b"".join(text_op(name) + code for name, code in pickled.items())
        pickled = b"\x80\x02}(" + items + b"u."
    entries = [("archive/data.pkl", pickled), ("archive/byteorder", byteorder), ("archive/version", b"3\n")]
    return zipped(entries + [(f"archive/data/{key}", data) for key, data in records.items()])


def write(folder, name, content):
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
