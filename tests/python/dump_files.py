# SPDX-License-Identifier: Apache-2.0
"""Reads and writes tensor dumps byte by byte, without the packages that own the formats."""

import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

# safetensors name -> numpy dtype of the elements
DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass
class Tensor:
    name: str
    values: np.ndarray  # of one of DTYPES


def widen(values):
    """float64 values of any dtype here, exactly (each is a subset of float64)."""
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return values.astype(np.float64).ravel()


def read_dump(path):
    """The floating-point tensors of a .safetensors, .npz or .npy file, in file order."""
    path = Path(path)
    if path.suffix == ".npy":
        return [Tensor(path.stem, np.load(path))]
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return [Tensor(name, arrays[name]) for name in arrays.files if arrays[name].dtype.kind == "f"]
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = []
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if entry["dtype"] in DTYPES:
            begin, end = entry["data_offsets"]
            raw = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype=DTYPES[entry["dtype"]])
            tensors.append(Tensor(name, raw.reshape(entry["shape"])))
    return tensors


def write_safetensors(path, tensors, metadata=None):
    header = {"__metadata__": metadata} if metadata else {}
    at = 0
    for t in tensors:
        header[t.name] = {
            "dtype": NAMES[t.values.dtype],
            "shape": list(t.values.shape),
            "data_offsets": [at, at + t.values.nbytes],
        }
        at += t.values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(t.values.tobytes() for t in tensors)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def npy_bytes(values):
    header = {"descr": values.dtype.str, "fortran_order": False, "shape": values.shape}
    text = repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + values.tobytes()


def write_npy(path, tensor):
    Path(path).write_bytes(npy_bytes(tensor.values))


def write_npz(path, tensors, deflated=False):
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for t in tensors:
            archive.writestr(t.name + ".npy", npy_bytes(t.values))


def write_raw(path, tensor):
    Path(path).write_bytes(tensor.values.tobytes())
